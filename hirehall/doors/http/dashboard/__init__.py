"""The hall's pages. A page is a row of `views.VIEWS`: it shows facts that it asks of the hall as its reader, in parts
that are sent anew when they change."""
