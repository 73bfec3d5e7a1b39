"""What the tools to draw an area on a map say."""

from __future__ import annotations

from typing import Any

from mapper.web.language_choice import say


def tool_words() -> dict[str, Any]:
    """What the drawing tools say."""
    cancel, undo, done = say("Cancel"), say("Take back the last corner"), say("Finish")
    polygon, rectangle = say("Draw an area, corner by corner"), say("Draw a rectangle")
    return {
        "draw": {
            "toolbar": {
                "actions": {"title": cancel, "text": cancel},
                "finish": {"title": done, "text": done},
                "undo": {"title": undo, "text": undo},
                "buttons": {"polygon": polygon, "rectangle": rectangle},
            },
            "handlers": {
                "polygon": {
                    "tooltip": {
                        "start": say("Click the first corner."),
                        "cont": say("Click the next corner."),
                        "end": say("Click the first corner again to finish."),
                    }
                },
                "polyline": {"error": say("The lines of an area may not cross.")},
                "rectangle": {"tooltip": {"start": say("Hold and drag from corner to corner.")}},
                "simpleshape": {"tooltip": {"end": say("Let go to finish.")}},
            },
        },
        "edit": {
            "toolbar": {
                "actions": {
                    "save": {"title": done, "text": done},
                    "cancel": {"title": cancel, "text": cancel},
                    "clearAll": {"title": say("Delete everything drawn"), "text": say("Delete everything drawn")},
                },
                "buttons": {
                    "edit": say("Change what is drawn"),
                    "editDisabled": say("Nothing is drawn yet"),
                    "remove": say("Delete what is drawn"),
                    "removeDisabled": say("Nothing is drawn yet"),
                },
            },
            "handlers": {
                "edit": {
                    "tooltip": {
                        "text": say("Drag the corners to change the area."),
                        "subtext": say("Cancel takes the changes back."),
                    }
                },
                "remove": {"tooltip": {"text": say("Click an area to delete it.")}},
            },
        },
    }
