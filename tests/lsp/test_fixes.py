"""What an editor can do about a finding by itself."""

from __future__ import annotations

from editor import Editor

LOOP = """\
name: fixed
description: d
scope: [.]
initial: check
states:
  check:
    action: |
      echo one
      echo ${HOME}
    on_yes: done
    on_no: check
    on_error: "done"
  lost: {action: make, next: done}
  done: {terminal: true}
"""


def test_the_word_that_was_meant(editor: Editor) -> None:
    name = ".loops/meant.yaml"
    text = LOOP.replace("${HOME}", "x").replace("  lost: {action: make, next: done}\n", "")
    bad = text.replace("on_no: check", "on_no: chek").replace('"done"', '"don"').replace("scope", "scop")
    editor.open(name, bad)
    assert editor.fixes(name, "chek") == {"Write 'check'": bad.replace("chek", "check")}
    assert editor.fixes(name, '"don"') == {"Write 'done'": bad.replace('"don"', "done")}
    fixes = editor.fixes(name, "scop")
    assert fixes["Write 'scope'"] == bad.replace("scop:", "scope:")
    assert fixes["Allow LL125 here"] == bad.replace("scop:", "# ll: allow LL125\nscop:")


def test_a_warning_that_is_meant_is_allowed_where_it_stands(editor: Editor) -> None:
    name = ".loops/allowed.yaml"
    editor.open(name, LOOP)
    assert editor.fixes(name, "lost") == {
        "Allow LL332 here": LOOP.replace("  lost:", "  # ll: allow LL332\n  lost:")
    }
    after = editor.fixes(name, "echo ${HOME}")["Allow LL504 here"]
    assert after == LOOP.replace("    action: |", "    # ll: allow LL504\n    action: |")
    assert [one.code for one in editor.edit(name, after)] == ["LL332"]


def test_at_the_top_of_a_file_with_other_line_ends(editor: Editor) -> None:
    name = ".loops/top.yaml"
    text = "name: top\r\nparadigm: goal\r\ndescription: d\r\ngoal: g\r\ntools: [make, make]\r\n"
    editor.open(name, text)
    assert editor.fixes(name, "name") == {"Allow LL217 here": f"# ll: allow LL217\r\n{text}"}


def test_an_error_cannot_be_allowed_and_a_clean_line_needs_nothing(editor: Editor) -> None:
    name = ".loops/errors.yaml"
    editor.open(name, LOOP.replace("on_no: check", "on_no: somewhere"))
    assert editor.fixes(name, "somewhere") == {}
    assert editor.fixes(name, "description") == {}
