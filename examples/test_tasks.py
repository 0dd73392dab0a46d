from tasks import greet, resize


def test_resize_answers_with_the_width(hall_server):
    job = hall_server.client().submit("resize", {"file": "a.png"})
    hall_server.run_all(resize, greet)
    assert job.result(timeout_seconds=10) == {"file": "a.png", "width": 100}


def test_a_job_without_a_file_fails(hall_server):
    job = hall_server.client().submit("resize", {}, max_attempts=1)
    hall_server.run_all(resize)
    assert hall_server.client().get([job.id])[0].error["type"] == "KeyError"
