"""The field of forms in which a new resource gets its tags."""

import re
from typing import Any

from django import forms
from django.db.models import Model
from django.utils.html import format_html, format_html_join

from console import tagging
from console.errors import InvalidArgument
from console.forms import PlainForm
from console.systemtags import offered
from console.tagging import NO_TAGS, Given

#: what every pattern of system tags has, so a text with it is meant as one: a slip would make it a user tag unnoticed
SYSTEM_MARK = "::"
TAGS = "tags"


class TagsField(forms.CharField):
    """Tags, one per line or separated by commas as on the command line; those with `::` are system tags.

    `elsewhere` says where system tags are asked for, if not here.
    """

    def __init__(self, resource_type: str, *, elsewhere: str = "", **options: Any) -> None:
        self.resource_type, self.elsewhere = resource_type, elsewhere
        options.setdefault("help_text", _help("" if elsewhere else resource_type))
        super().__init__(label="Tags", required=False, widget=forms.Textarea({"rows": 2}), **options)

    def clean(self, value: Any) -> Given:
        try:
            given = read_tags(self.resource_type, super().clean(value))
        except InvalidArgument as problem:
            raise forms.ValidationError([part.details for part in problem.parts]) from problem
        if given.system and self.elsewhere:
            raise forms.ValidationError(f"{given.system[0]} {self.elsewhere}")
        return given


def read_tags(resource_type: str, text: str) -> Given:
    """Tags as they are typed. Raises InvalidArgument."""
    texts = dict.fromkeys(one for part in re.split(r"[,\n]", text) if (one := part.strip()))
    system = tuple(one for one in texts if SYSTEM_MARK in one)
    given = Given(tuple(one for one in texts if SYSTEM_MARK not in one), system)
    tagging.check_given(resource_type, given)
    return given


def _help(resource_type: str) -> str:
    text = "Labels to find it by, one per line or separated by commas."
    known = [(pattern.pattern, pattern.words) for pattern in offered(resource_type)]
    patterns = format_html_join("", "<div><dt><code>{}</code></dt><dd>{}</dd></div>", known)
    fold = '{}<details class="tag-patterns"><summary>System tags it may have</summary><dl>{}</dl></details>'
    return format_html(fold, text, patterns) if known else text


def add_tags(form: PlainForm, model: type[Model]) -> None:
    """Let a form that makes a resource ask for its tags; what cannot have any is not asked."""
    if resource_type := tagging.type_of(model):
        form.add_field(TAGS, TagsField(resource_type))


def given_in(values: dict[str, Any]) -> Given:
    """Take the tags out of a form's values."""
    found: Given = values.pop(TAGS, NO_TAGS)
    return found
