"""Files of fault trees, good and bad: errors that help, limits, fuzz, and the page of the formats."""

import ast
import gzip
import os
import re
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import example, given, settings

import fdmc.spec.fault_tree as fault_tree
from fdmc.spec.fault_tree import (
    FaultTree,
    FaultTreeError,
    _galileo_text,
    _galileo_words,
    _words,
    _xml,
    read,
    write,
)


HERE = Path(__file__).parent
BROKEN = HERE / "broken_fault_trees"
REFERENCE = Path(os.environ.get("FDMC_REFERENCE", HERE.parents[1] / "shared" / "reference"))
MODELS = REFERENCE / "fault_trees" / "models"
needs_reference = pytest.mark.skipif(
    not MODELS.is_dir(), reason="the reference models are not beside the repository"
)
GOOD = {
    ".xml": b"""<?xml version="1.0"?>
<opsa-mef>
  <define-fault-tree name="T">
    <define-gate name="top"><atleast min="1"><event name="A"/><not><event name="B"/></not></atleast></define-gate>
    <define-basic-event name="A">
      <exponential><float value="1e-3"/><system-mission-time/></exponential>
    </define-basic-event>
  </define-fault-tree>
  <define-CCF-group name="G" model="beta-factor">
    <members><basic-event name="B"/><basic-event name="C"/></members>
    <distribution><parameter name="q"/></distribution>
    <factor level="2"><float value="0.1"/></factor>
  </define-CCF-group>
  <model-data><define-parameter name="q"><float value="0.1"/></define-parameter></model-data>
  <define-initiating-event name="I" event-tree="E"/>
  <define-event-tree name="E">
    <define-functional-event name="F"/>
    <define-sequence name="S"/>
    <initial-state><fork functional-event="F"><path state="x"><sequence name="S"/></path></fork></initial-state>
  </define-event-tree>
</opsa-mef>
""",
    ".dft": b"""toplevel "T";
"T" 2of3 "A" "G" D; // two of three
"G" csp "B" "C";
"F" pdep=0.5 "A" "B";
"I" 2insp0.5 "A" "B";
"A" lambda=1e-3 dorm=.5 repair=0.1;
"B" rate=1e-3 shape=2;
"C" mean=3 stddev=1 repair_time=8;
D prob=0.1;
""",
}


def problems(path: Path, *more: Path) -> str:
    with pytest.raises(FaultTreeError) as caught:
        read(path, *more)
    error = caught.value
    assert isinstance(error, ValueError)
    assert str(error).startswith(f"{error.origin}: {len(error.problems)} problem")
    lines = [problem.line or 0 for problem in error.problems]
    assert lines == sorted(lines)
    return str(error)


@pytest.mark.parametrize("suffix", GOOD)
def test_the_models_that_are_broken_below_are_good(tmp_path: Path, suffix: str):
    path = tmp_path / f"good{suffix}"
    path.write_bytes(GOOD[suffix])
    tree = read(path)
    write(tree, tmp_path / f"again{suffix}.gz")
    again = read(tmp_path / f"again{suffix}.gz")
    assert again == tree
    assert list(again.gates) == list(tree.gates)


# ---------------------------------------------------------------- a small museum of mistakes

MISTAKES = {
    "ampersand.xml": ["line 1  it is not XML", "write & as &amp;"],
    "comment.dft": ["line 2  a comment begins here and does not end"],
    "common_causes.xml": [
        '"A": has a probability of its own',
        'CCF-group "one": needs one factor, of the level of all members; level="2"',
        "did you mean 'alpha-factor'?",
        'CCF-group "three": needs one <distribution>',
        '"B" is a member of "one" already',
        "the factors add up to 0.4",
    ],
    "cycle.dft": ['line 2  "T" or: the gates go round in a circle: "T" > "G" > "T"'],
    "cycle.xml": ['"G1" > "G2" > "G1"', 'the parameters go round in a circle: "p" > "q" > "p"'],
    "dangling.xml": [
        'line  6  define-gate "top"/or/basic-event "pump-3": no basic event "pump-3" is defined;'
        " did you mean 'pump-2'?",
        '"pump-1" is a basic-event, not a gate; write <basic-event name="pump-1"/>',
        'no basic event "valve"',
        'no house event "winter"',
        "did you mean 'basic-event'?",
        "did you mean 'rate'?",
        'line 16  define-basic-event "pump-2": no probability is given',
    ],
    "duplicates.xml": [
        '"A" is defined already, as a gate in line 3',
        '"T.C.B" is defined already, as a basic-event in line 7',
        'the name "C" is used twice here',
        '"B" is defined already, as a parameter in line 11',
        "a name has no dot",
        "the name is empty",
        'needs the attribute "name"',
    ],
    "empty_model.xml": ["the model has no top event"],
    "entities.xml": ["line 2  a document type or entity declaration is not accepted"],
    "event_trees.xml": [
        "no event tree \"Tre\" is defined; did you mean 'Tree'?",
        "has no event tree",
        "rules go round in a circle: s > r > s",
        'the paths go round in a circle: "Tree branch B" > "Tree branch B"',
        "a sequence holds no fork, sequence or branch",
        'define-branch "C": leads nowhere',
        "two paths of the same state",
        'line 13  initial-state/fork: no functional event "G"',
        'line 15  initial-state/fork/path/set-house-event "H": no house event',
        'line 16  initial-state/fork/path/branch "D": no branch "D"',
    ],
    "external.xml": ["line 2  a document type or entity declaration is not accepted"],
    "mismatched.xml": ["line 3  it is not XML (mismatched tag)"],
    "mistakes.dft": [
        'no gate or event "X"',
        '"A"/exponential: the rate is -1.0; it must be at least 0',
        '"A": the dormancy is 2.0',
        'attribute "lambda" has "1e999", which is larger than any double',
        "lambda and prob together do not give the law of the lifetime",
        "`atleast` needs 4 of 3 arguments",
        'attribute "colour" is not understood',
        "the probability is 1.5; it must be from 0 to 1",
        'line  7  "D": is defined already, in line 6',
        "\"adn\" is neither a gate nor a law; did you mean 'and'?",
        'attribute "lambda" has no value',
        "has neither a gate nor a law",
        "imperfect coverage is not modelled",
        "copies are not modelled",
        "counts 2 children, but has 3; write 3of3",
        '"and" stands where a gate or a law is expected',
        "phases=2.5 is not a whole number",
        "divides by 0",
        "`fdep` needs at least 2 elements",
        '"O" pdep=1.5: the probability is 1.5',
        "an inspection needs at least one phase",
        'attribute "lambda" is given twice',
        "`not` takes 1 argument, but has 2",
        "mean alone does not give",
        'attribute "lambda" needs a number, not "x"',
        "parameters of Galileo files are not in the subset",
    ],
    "no_top.dft": ["no top event is declared"],
    "not_a_model.xml": ["the document is a <html>, not an <opsa-mef>"],
    "numbers.xml": [
        'line  5  define-gate "top"/or/atleast: counts 3 of 2 arguments',
        "counts -1 of 2",
        'needs a whole number, not "two"',
        "counts 2 to 1 of 2",
        "takes 1 argument, but has 2",
        "takes 2 arguments, but has 1",
        '"1e999999999", which is larger than any double',
        'needs a number, not "nan"',
        '"C": the probability is 1.5',
        'needs a number, not "1_0"',
        '"1e-999999999", which is smaller than any double',
        'define-basic-event "F"/exponential: the rate is -1e-05',
        "takes 2 (rate, time) arguments, but has 1",
        '"99999999999999999999", which is beyond',
        'define-basic-event "I": the probability is 20.0',
        "needs one expression, but has 2",
        'the unit "fit" is not accepted; convert the value',
        "the error factor is 0.5; it must be at least 1",
        "the boundaries do not rise",
    ],
    "quote.dft": ["line 2  a quoted name begins here and does not end"],
    "truncated.dft": ['line 4  "B": the last statement does not end with a semicolon'],
    "truncated.xml": ["line 6  the file ends inside <or>, which was opened in line 4"],
    "unknown_words.xml": [
        "line  2  include: <include> is not understood here; give the files together",
        'attribute "colour" is not understood',
        'has the text "stray text", where none is read',
        "attribute \"rol\" is not understood; did you mean 'role'?",
        "<orr> is not understood here; did you mean 'or'?",
        '"A"/floot: <floot> is not understood',
        "code from a model file is never run",
    ],
}


@pytest.mark.parametrize("name", sorted(path.name for path in BROKEN.iterdir()))
def test_mistakes_are_told_all_at_once(name: str):
    text = problems(BROKEN / name)
    for words in MISTAKES[name]:
        assert words in text
    assert all(len(line) < 400 for line in text.splitlines())


# ---------------------------------------------------------------- the door

JUNK = {
    "empty.xml": (b"", "it is empty"),
    "space.dft": (b" \n\n", "it is empty"),
    "nothing.dft": (b"// only a comment\n", "it has no statement"),
    "junk.xml": (bytes(range(256)) * 8, "it is not XML"),
    "junk.dft": (bytes(range(256)) * 8, "it is not UTF-8 text"),
    "zero.dft": (b"toplevel A; A prob=0;\0", "it is not text"),
    "latin.dft": ("toplevel é; é prob=1;".encode("latin-1"), "it is not UTF-8 text"),
    "latin.xml": ('<opsa-mef name="é"/>'.encode("latin-1"), "it is not XML"),
    "utf16.dft": ("toplevel A; A prob=1;".encode("utf-16"), "it is not"),
    "utf7.xml": (b'<?xml version="1.0" encoding="utf-7"?><opsa-mef/>', "not XML that can be read"),
    "unknown.xml": (b'<?xml version="1.0" encoding="klingon"?><opsa-mef/>', "not XML that can"),
    "wrong.xml": (b'<?xml version="1.0" encoding="utf-16"?><opsa-mef/>', "it is not XML"),
    "packed.xml.gz": (b"<opsa-mef/>", "it cannot be unpacked"),
    "cut.xml.gz": (gzip.compress(GOOD[".xml"])[:-20], "it cannot be unpacked"),
    "bomb.dft.gz": (gzip.compress(b" " * (65 << 20)), "larger than 64 MiB"),
    "deep.xml": (b"<opsa-mef>" * 100_000, "elements nest deeper than 200 levels"),
    "attribute.xml": (b'<opsa-mef name="' + b"a" * 3_000_000, "it is not XML"),
    "text.xml": (b"<opsa-mef>" + b"a\n" * 1_000_000, "characters of text"),
    "wrong.dft": (b"".join(b"a%d;" % i for i in range(5_000)), "and 1950 more"),
    "model.txt": (b"", "its name does not tell the format; use .xml or .dft"),
    "model": (b"", "its name does not tell the format"),
}


@pytest.mark.parametrize("name", JUNK)
def test_what_is_no_model(tmp_path: Path, name: str):
    content, message = JUNK[name]
    (tmp_path / name).write_bytes(content)
    assert message in problems(tmp_path / name)


def test_the_size_of_a_model_has_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert _xml.MOST_ELEMENTS == 1_000_000
    assert _galileo_text.MOST_TOKENS == 2_000_000
    monkeypatch.setattr(_xml, "MOST_ELEMENTS", 1_000)
    monkeypatch.setattr(_galileo_text, "MOST_TOKENS", 2_000)
    (tmp_path / "wide.xml").write_bytes(b"<opsa-mef>" + b"<a/>" * 1_001)
    (tmp_path / "wide.dft").write_bytes(b"a " * 2_001)
    assert "more than 1000 elements" in problems(tmp_path / "wide.xml")
    assert "more than 2000 words" in problems(tmp_path / "wide.dft")


def test_what_is_no_file(tmp_path: Path):
    (tmp_path / "folder.xml").mkdir()
    (tmp_path / "cooling.xml").write_bytes(GOOD[".xml"])
    (tmp_path / "loop.dft").write_bytes(GOOD[".dft"])
    assert "it is not a file" in problems(tmp_path / "folder.xml")
    assert "no such file; did you mean 'cooling.xml'?" in problems(tmp_path / "coolin.xml")
    assert "no such file" in problems(tmp_path / "no" / "folder.xml")
    assert "it cannot be read" in problems(Path("a\0.xml"))
    assert "does not tell the format" in problems(Path(""))
    assert "files of two formats" in problems(tmp_path / "cooling.xml", tmp_path / "loop.dft")
    assert "a Galileo model is one file" in problems(tmp_path / "loop.dft", tmp_path / "loop.dft")
    with pytest.raises(FaultTreeError, match="no file is given"):
        read()
    with pytest.raises(FaultTreeError, match="does not tell the format"):
        write(read(tmp_path / "loop.dft"), tmp_path / "loop.txt")


def test_deep_formulas_and_long_chains(tmp_path: Path):
    """Nesting is limited; the depth of the tree is not."""
    path = tmp_path / "deep.xml"

    def nested(depth: int) -> str:
        return (
            '<opsa-mef><define-fault-tree name="T"><define-gate name="top">'
            f"{'<not>' * depth}<constant value='true'/>{'</not>' * depth}"
            "</define-gate></define-fault-tree></opsa-mef>"
        )

    path.write_text(nested(190))
    tree = read(path)
    write(tree, path)
    assert read(path) == tree
    path.write_text(nested(200))
    assert "nest deeper" in problems(path)
    chain = "".join(f"g{i} or g{i + 1};" for i in range(3_000))
    (tmp_path / "chain.dft").write_text(f"toplevel g0; {chain} g3000 prob=0.5;")
    assert len(read(tmp_path / "chain.dft").gates) == 3_000
    (tmp_path / "chain.dft").write_text(f"toplevel g0; {chain} g3000 or g0;")
    text = problems(tmp_path / "chain.dft")
    assert "go round in a circle" in text
    assert len(text) < 1_000


def test_rules_that_multiply_are_refused(tmp_path: Path):
    names = [f'<rule name="r{i + 1}"/>' * 10 for i in range(15)]
    rules = "".join(
        f'<define-rule name="r{i}">{inner}</define-rule>' for i, inner in enumerate(names)
    )
    end = '<collect-expression><float value="1"/></collect-expression>'
    path = tmp_path / "rules.xml"
    path.write_text(f'<opsa-mef>{rules}<define-rule name="r15">{end}</define-rule></opsa-mef>')
    assert "more than 1000 steps" in problems(path)


# ---------------------------------------------------------------- fuzz

cuts = st.lists(
    st.tuples(st.integers(0, 1200), st.integers(0, 30), st.binary(max_size=6)), max_size=4
)
pieces = [b"<", b">", b'"', b";", b"/*", b"//@ name ", b"<not>", b"&#0;", b"1e999", b"]]>", b"\xff"]


@pytest.mark.parametrize("suffix", GOOD)
@settings(max_examples=150, deadline=2_000)
@given(changes=cuts, piece=st.sampled_from(pieces), keep=st.integers(0, 1500))
@example(changes=[], piece=b"<", keep=0)
def test_changed_bytes_give_a_tree_or_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory,
    suffix: str,
    changes: list[tuple[int, int, bytes]],
    piece: bytes,
    keep: int,
):
    content = GOOD[suffix]
    for start, length, new in changes:
        start %= len(content) + 1
        content = content[:start] + (new or piece) + content[start + length :]
    path = tmp_path_factory.getbasetemp() / f"fuzz{suffix}"
    path.write_bytes(content[:keep] if keep % 3 == 0 else content)
    reads_or_says_why(path)


words = st.sampled_from(
    re.findall(rb"[\w.-]+|[^\w\s]", GOOD[".dft"]) + [b"seq", b"mutex", b"=", b"por<", b"1of0"]
)


@settings(max_examples=150, deadline=2_000)
@given(tokens=st.lists(words, max_size=30))
def test_shuffled_words_give_a_tree_or_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, tokens: list[bytes]
):
    path = tmp_path_factory.getbasetemp() / "words.dft"
    path.write_bytes(b'toplevel "T"; ' + b" ".join(tokens) + b";")
    reads_or_says_why(path)


tags = sorted({*_words.FORMULA, *_words.EXPRESSION, *_words.INSTRUCTIONS, *_words.STRUCTURE})
attributes = st.dictionaries(
    st.sampled_from(
        ["name", "value", "min", "max", "level", "model", "role", "event-tree", "state"]
    ),
    st.sampled_from(["A", "B", "A.B", "", "1", "-1", "true", "private", "MGL", "beta-factor"]),
    max_size=3,
)


def element(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(
        element_text, st.sampled_from(tags), attributes, st.lists(children, max_size=4)
    )


def element_text(tag: str, given: dict[str, str], inner: list[str]) -> str:
    shown = "".join(f' {key}="{value}"' for key, value in given.items())
    return f"<{tag}{shown}>{''.join(inner)}</{tag}>"


@settings(max_examples=150, deadline=2_000)
@given(inside=st.lists(st.recursive(st.just(""), element, max_leaves=12), max_size=4))
def test_shuffled_elements_give_a_tree_or_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, inside: list[str]
):
    path = tmp_path_factory.getbasetemp() / "elements.xml"
    path.write_text(f"<opsa-mef>{''.join(inside)}</opsa-mef>")
    reads_or_says_why(path)


def reads_or_says_why(path: Path) -> None:
    try:
        tree = read(path)
    except FaultTreeError:
        return
    assert isinstance(tree, FaultTree)
    write(tree, path)  # whatever was read can be written
    assert read(path) == tree


# ---------------------------------------------------------------- the reference models

PARTS = {
    "ThreeMotor/event_tree.xml": "ThreeMotor/three_motor.xml",
    "TwoTrain/event_tree.xml": "TwoTrain/two_train.xml",
    "EventTrees/gas_leak/gas_leak.xml": "EventTrees/gas_leak/gas_leak_reactive.xml",
    "Baobab/baobab1.xml": "Baobab/baobab1-basic-events.xml",
    "Baobab/baobab2.xml": "Baobab/baobab2-basic-events.xml",
    "CEA9601/CEA9601.xml": "CEA9601/CEA9601-basic-events.xml",
    "Chinese/chinese.xml": "Chinese/chinese-basic-events.xml",
}
MOST_COPIED = 20_000  # bytes: larger models are read, and not written again, for the sake of time


def reference_models() -> list[tuple[Path, ...]]:
    files = sorted(path for path in MODELS.rglob("*.*") if path.is_file())
    other = MODELS / "scram_other"
    seconds = {other / name for name in PARTS.values() if name.endswith("-basic-events.xml")}
    parts = {other / first: other / second for first, second in PARTS.items()}
    return [
        (path, *([parts[path]] if path in parts else [])) for path in files if path not in seconds
    ]


@needs_reference
@pytest.mark.parametrize("folder", ["aralia", "scram", "dft_storm", "dft_repair", "dft_"])
def test_reference_models_read_and_round_trip(tmp_path: Path, folder: str):
    taken = [
        paths
        for paths in reference_models()
        if (name := paths[0].relative_to(MODELS).parts[0]).startswith(folder)
        and not (folder == "dft_" and name in ("dft_storm", "dft_repair"))
    ]
    assert len(taken) >= 30
    for paths in taken:
        tree = read(*paths)
        if paths[0].stat().st_size <= MOST_COPIED:
            copy = tmp_path / f"copy{paths[0].suffix}"
            write(tree, copy)
            assert read(copy) == tree, paths[0]


# ---------------------------------------------------------------- the page, and the rules of the room


def table(head: str, rows: list[tuple[str, ...]]) -> str:
    count = head.count("|") + 1
    lines = [f"| {head} |", "|" + "---|" * count]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def code(*names: str) -> str:
    return ", ".join(f"`{name}`" for name in names)


def elements(known: dict[str, _words.Element]) -> list[tuple[str, ...]]:
    return [
        (
            code(tag),
            code(*e.required),
            code(*(o.split("}")[-1] for o in e.optional)),
            code(*e.children),
        )
        for tag, e in known.items()
    ]


def tables() -> dict[str, str]:
    """The tables of the page, as the code has them."""
    laws = [(code(law), ", ".join(names)) for law, names in _words.LAWS.items()]
    laws += [("`periodic-test`", ", ".join(names)) for names in _words.PERIODIC_TEST.values()]
    laws += [
        (code(word), " or ".join(", ".join(form) for form in forms))
        for word, forms in _words.DEVIATE_FORMS.items()
    ]
    operations = _words.ARITHMETIC | _words.BOOLEAN
    head = "element | needs | may have | holds"
    gates = [(code(word), code(op)) for word, op in _galileo_words.GATES.items()]
    return {
        "structure": table(head, elements(_words.STRUCTURE)),
        "formulas": table(head, elements(_words.FORMULA)),
        "connectives": table(
            "connective | arguments", [(code(w), str(n)) for w, n in _words.CONNECTIVES.items()]
        ),
        "operations": table(
            "operation | arguments", [(code(w), str(n)) for w, n in operations.items()]
        ),
        "laws": table("expression | arguments", laws),
        "instructions": table(head, elements(_words.INSTRUCTIONS)),
        "refused": table("element | what to do", [(code(w), r) for w, r in _words.REFUSED.items()]),
        "gates": table("word | connective", gates),
        "lifetimes": table(
            "attributes | law", [(code(*names), r) for names, r in _galileo_words.LAWS.items()]
        ),
        "repairs": table(
            "attributes | law", [(code(*names), r) for names, r in _galileo_words.REPAIRS.items()]
        ),
        "harmless": table(
            "attribute | meaning", [(code(w), r) for w, r in _galileo_words.HARMLESS.items()]
        ),
    }


@pytest.mark.parametrize("name", tables())
def test_the_page_shows_the_tables_of_the_code(name: str):
    page = (HERE.parent / "docs" / "fault-tree-formats.md").read_text()
    assert tables()[name] in page


def test_the_room_needs_neither_jax_nor_numpy():
    for path in Path(fault_tree.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.split(".")[0] for name in names} & {"jax", "equinox", "numpy"}
        assert len(path.read_text().splitlines()) <= 300
