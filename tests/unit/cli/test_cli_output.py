"""What is printed: tables that fit, words for numbers and times, the waterfall."""

from __future__ import annotations

import io
from contextlib import redirect_stdout

import pytest

from lilac.cli import output, wording
from lilac.cli.waterfall import waterfall
from lilac.model.errors import InvalidInput


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Terminal()


def test_a_table_fits_a_narrow_terminal(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    with redirect_stdout(terminal):
        output.print_table(["ID", "NAME", "STATE"], [["12345678", "n" * 60, "running"]], flexible=1)
    for line in terminal.getvalue().splitlines():
        assert len(line) <= 40
    assert "…" in terminal.getvalue()
    assert "12345678" in terminal.getvalue()


def test_wide_characters_keep_columns_aligned(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    with redirect_stdout(terminal):
        output.print_table(["NAME", "STATE"], [["数字", "queued"], ["abcd", "queued"]])
    assert terminal.getvalue().splitlines()[1:] == ["数字  queued", "abcd  queued"]


def test_states_have_colours_on_a_terminal_that_wants_them(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    with redirect_stdout(terminal):
        assert output.coloured("failed (exit 3)") == "\x1b[31mfailed\x1b[0m (exit 3)"
        monkeypatch.setenv("TERM", "dumb")
        assert output.coloured("failed") == "failed"


def test_nothing_is_cut_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(["NAME"], [["n" * 500]], flexible=0)
    assert "n" * 500 in capsys.readouterr().out


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0ms"), (0.84, "840ms"), (0.99951, "1.0s"), (1.26, "1.3s"), (9.96, "10s"), (59.6, "1m"), (185, "3m 5s"),
        (7800, "2h 10m"), (7200, "2h"), (90061, "1d 1h"), (-5, "0ms"),
    ],
)  # fmt: skip
def test_spans_have_their_two_largest_units(seconds: float, words: str) -> None:
    assert wording.span(seconds) == words


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("2h", 7200), ("1h30m", 5400), ("1d", 86400)]
)
def test_lengths_of_time_are_understood(text: str, seconds: int) -> None:
    assert wording.seconds(text, "--x") == seconds


@pytest.mark.parametrize("text", ["", "soon", "1.5h", "-3", "10 parsecs", "h"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="--x must be a length of time"):
        wording.seconds(text, "--x")


def test_moments_are_relative_and_absolute() -> None:
    now = wording.epoch("2026-11-24T04:00:00Z")
    assert now is not None
    assert wording.when("2026-11-24T04:03:05.123456789Z", now).startswith("in 3m 5s (")
    assert wording.when("2026-11-24T03:59:00Z", now).startswith("1m ago (")
    assert wording.when(None, now) == "unknown"


@pytest.mark.parametrize(("millicores", "words"), [(500, "0.5"), (1000, "1"), (16000, "16"), (2250, "2.25")])
def test_cores(millicores: int, words: str) -> None:
    assert wording.cores(millicores) == words


def test_the_waterfall_has_a_line_and_a_bar_for_each_step() -> None:
    steps = {
        "submitted": 100.0,
        "planned": 100.010,
        "assigned": 100.020,
        "received": 100.020,
        "pull_started": 100.020,
        "pull_finished": 100.060,
        "created": 100.070,
        "started": 100.090,
        "running_reported": 100.100,
        "exited": 3700.09,
        "finished": 3700.1,
    }
    lines = waterfall(steps, columns=53)
    assert [line[:17].strip() for line in lines] == [
        "planned", "assigned", "received", "image pull", "created", "started", "running reported", "ran",
        "end recorded",
    ]  # fmt: skip
    assert "40.0 ms" in lines[3]
    assert lines[3].count("█") == 4
    assert "1h" in lines[7]
    assert "█" not in lines[7]
    for columns in (60, 80, 200):
        assert max(len(line) + 2 for line in waterfall(steps, columns=columns)) <= columns


def test_a_process_has_no_pull_and_clocks_may_disagree() -> None:
    lines = waterfall({"submitted": 100.0, "assigned": 100.02, "received": 99.9, "started": 100.03})
    assert [line.split()[0] for line in lines] == ["assigned", "received", "started"]
    assert "0.0 ms" in lines[1]


@pytest.mark.parametrize("steps", [{}, {"submitted": 1.0}, {"planned": 1.0, "assigned": 2.0}])
def test_without_steps_there_is_no_waterfall(steps: dict[str, float]) -> None:
    assert waterfall(steps) == []


@pytest.mark.parametrize("columns", [45, 60, 80])
def test_even_a_narrow_terminal_gets_one_line_for_each_row(columns: int) -> None:
    widths = output._fit(dict(enumerate([8, 14, 11, 9, 5, 9, 4, 5, 12])), columns, 1, [0])
    assert sum(widths.values()) + 2 * (len(widths) - 1) <= columns
    assert widths[0] == 8 or columns < 60, "ids are cut last"


def shown(terminal: Terminal, columns: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")
    headings = ["ID", "NAME", "STATE", "OWNER", "QUEUE"]
    rows = [["5b0e7c1e", "n" * 40, "failed (5 succeeded, 1 failed)", "ada", "training"]]
    with redirect_stdout(terminal):
        output.print_table(headings, rows, flexible=1, states=2, droppable=[3, 4])
    return terminal.getvalue().splitlines()


@pytest.mark.parametrize(
    ("columns", "headings"),
    [(120, "ID NAME STATE OWNER QUEUE"), (78, "ID NAME STATE QUEUE"), (60, "ID NAME STATE"), (40, "ID NAME STATE")],
)
def test_a_narrow_terminal_gets_fewer_columns_before_names_are_cut_short(
    terminal: Terminal, columns: int, headings: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    heading, row = shown(terminal, columns, monkeypatch)
    assert heading.split() == headings.split()
    assert len(row) <= columns
    assert row.startswith("5b0e7c1e  nnnnnnnn")


def test_long_facts_go_on_below_themselves_between_words(terminal: Terminal) -> None:
    with redirect_stdout(terminal):
        output.print_fields([("Waits because", "it needs 100 CPUs on one node of many"), ("Id", "x" * 50)])
    lines = terminal.getvalue().splitlines()
    assert [line[-25:].strip() for line in lines[:2]] == ["it needs 100 CPUs on one", "node of many"]
    assert lines[2].endswith("x" * 50), "a word is never broken"


def test_what_is_no_terminal_gets_everything() -> None:
    pipe = io.StringIO()
    with redirect_stdout(pipe):
        output.print_fields([("Why", "word " * 100)])
        assert output.cut_to_terminal("x" * 500) == "x" * 500
    assert len(pipe.getvalue().splitlines()) == 1
