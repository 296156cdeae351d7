"""Reading Prometheus' text format."""

from citadel_node import textfile
from citadel_node.exposition import Figures, parse, read_textfiles


def test_samples_with_and_without_labels():
    text = '# HELP a A.\n# TYPE a gauge\na 1\nb{x="1",y="two words"} 2.5e3 1700000000\n\n'
    assert list(parse(text)) == [("a", (), 1.0), ("b", (("x", "1"), ("y", "two words")), 2500.0)]


def test_what_is_no_sample_is_skipped():
    assert list(parse('x\nx{ 1\nx{a="b} 1\nx{} nothing\n= 3\nok 1\n')) == [("ok", (), 1.0)]


def test_what_textfile_writes_is_what_we_read():
    strange = 'a "quoted" \\ back\nslash, {brace} \\n'
    text = textfile.render([textfile.Metric("m", "M.", [textfile.Sample(3, {"path": strange})])])
    assert list(parse(text)) == [("m", (("path", strange),), 3.0)]


def test_figures_know_nothing_rather_than_zero():
    figures = Figures(parse('up{model="phi3"} 0\nup{model="x"} 1\n'))
    assert figures.one("down") is None
    assert figures.flag("up", model="phi3") is False
    assert figures.flag("up", model="y") is None
    assert figures.by("up", "model") == {"phi3": 0.0, "x": 1.0}
    assert figures.by("up", "other") == {}
    assert "up" in figures
    assert "down" not in figures


def test_textfiles_of_a_directory(tmp_path):
    assert "a" not in read_textfiles(str(tmp_path / "none"))
    (tmp_path / "citadel-a.prom").write_text("a 1\n")
    (tmp_path / "citadel-b.prom").write_text("b 2\nnonsense\n")
    (tmp_path / "other.prom").write_text("c 3\n")
    (tmp_path / "citadel-d.prom.new").write_text("d 4\n")
    figures = read_textfiles(str(tmp_path))
    assert [figures.one(name) for name in "abcd"] == [1, 2, None, None]
