"""One piece of work at a time."""

from threading import Event

from asterisk_siptrunk.web.errand import Errand

SECONDS = 10.0


def test_one_at_a_time_and_its_state_stays():
    errand: Errand[list[str]] = Errand("work")
    go_on = Event()

    def work(state):
        go_on.wait(SECONDS)
        state.append("done")

    assert errand.begin([], work)
    assert errand.is_running
    assert not errand.begin(["second"], work)
    go_on.set()
    errand.join(SECONDS)
    assert (errand.is_running, errand.state) == (False, ["done"])
    assert errand.begin([], work)
    errand.join(SECONDS)


def test_a_defect_ends_it_and_is_in_the_log(caplog):
    errand: Errand[list[str]] = Errand("billing run")
    errand.begin([], lambda state: state.remove("what is not there"))
    errand.join(SECONDS)
    assert not errand.is_running
    assert "billing run has stopped" in caplog.text
