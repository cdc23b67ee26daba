"""Is every element and attribute of an Open-PSA document understood? What is not is a problem."""

from ._error import Report, quoted
from ._words import KINDS, REFUSED, STRUCTURE, Element
from ._xml import Node


def check_elements(root: Node, report: Report) -> None:
    """Report every element, attribute and text that has no place where it stands.

    What is not understood is taken out of the document, so that the rest of it is read.
    """
    if root.tag != "opsa-mef":
        report.add(root.place, f"the document is a <{root.tag[:80]}>, not an <opsa-mef>")
        root.children.clear()
        return
    work = [(root, STRUCTURE["opsa-mef"])]
    while work:
        node, element = work.pop()
        _check_attributes(node, element, report)
        if node.text and node.text.strip() and node.tag != "label":
            report.add(node.place, f"has the text {quoted(node.text)}, where none is read")
        if not node.children:
            continue
        known = _choices(element)
        for child in node.children:
            if child.tag in known:
                work.append((child, known[child.tag]))
            else:
                hint = REFUSED.get(child.tag) or report.like(child.tag, known)
                report.add(child.place, f"<{child.tag[:80]}> is not understood here", hint)
                node.whole = False
        if not node.whole:
            node.children = [child for child in node.children if child.tag in known]


_CACHE: dict[
    int, dict[str, Element]
] = {}  # by id, because hashing an element takes long; they live as long


def _choices(element: Element) -> dict[str, Element]:
    """The elements that may stand inside this one."""
    if id(element) not in _CACHE:
        known: dict[str, Element] = {}
        for child in element.children:
            if child in KINDS:
                table, special = KINDS[child]
                known |= {tag: what for tag, what in table.items() if tag not in special}
            else:
                tables = [STRUCTURE, *(table for table, _ in KINDS.values())]
                known[child] = next(table[child] for table in tables if child in table)
        _CACHE[id(element)] = known
    return _CACHE[id(element)]


def _check_attributes(node: Node, element: Element, report: Report) -> None:
    for attribute in node.attributes:
        if attribute not in element.required and attribute not in element.optional:
            known = (*element.required, *element.optional)
            hint = report.like(attribute, (name for name in known if "}" not in name))
            report.add(node.place, f"attribute {quoted(attribute)} is not understood", hint)
    for attribute in element.required:
        if attribute not in node.attributes:
            report.add(node.place, f'needs the attribute "{attribute}"')
