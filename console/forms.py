"""Forms of the console: plain Django forms. Services do the checking; a refusal finds its way to the field it names."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from django import forms
from django.forms.models import ModelChoiceIterator
from django.utils.html import format_html

from console.errors import InvalidArgument, Refusal
from console.models.resource import DESCRIPTION_LENGTH, NAME_LENGTH
from console.naming import SizeError, format_size, name_problem, new_uuid, parse_size, snake_case
from console.textual import told_apart

#: characters of a uuid that tell rows of equal names apart
SHORT_UUID = 8
#: CSS class by kind of widget
CLASSES: Mapping[type[forms.Widget], str] = {
    forms.CheckboxInput: "form-check-input",
    forms.RadioSelect: "form-check-input",
    forms.CheckboxSelectMultiple: "form-check-input",
    forms.Select: "form-select",
    forms.HiddenInput: "",
}


#: JSON names that one field stands for wherever it is
COMMON_NAMES: Mapping[str, str] = {"userTags": "tags", "systemTags": "tags"}


class PlainForm(forms.Form):
    """A form drawn field by field with label, help and error; `names` maps JSON names that differ to fields."""

    names: ClassVar[Mapping[str, str]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            _dress(field)

    def add_field(self, name: str, field: forms.Field) -> None:
        """One more field, drawn like the declared ones."""
        _dress(field)
        self.fields[name] = field

    def open_at_first(self) -> None:
        """The page opens at the first field that is wrong, or else at the first one."""
        names = [field.name for field in self.visible_fields()]
        wrong = [name for name in names if name in self.errors]
        for name in (wrong or names)[:1]:
            self.fields[name].widget.attrs["autofocus"] = True

    def refuse(self, refusal: Refusal) -> None:
        """Show what a service refused at the fields it names, or above the form what names none that is here."""
        for part in refusal.parts if isinstance(refusal, InvalidArgument) else (refusal,):
            self.add_error(self.field_named(part.field or ""), part.details or part.description)

    def field_named(self, json: str) -> str | None:
        """The field behind a JSON name: managementIp is management_ip, clusterUuid is cluster."""
        snake = snake_case(json)
        candidates = (
            self.names.get(json, ""),
            COMMON_NAMES.get(json, ""),
            snake,
            snake.removesuffix("_uuid"),
            snake.removesuffix("_uuids"),
        )
        return next((name for name in candidates if name in self.fields), None)


def _dress(field: forms.Field) -> None:
    _say_bounds(field)
    if css := _css_class(field.widget):
        field.widget.attrs.setdefault("class", css)


def _say_bounds(field: forms.Field) -> None:
    """A number out of bounds is told both bounds, whichever it passed."""
    if isinstance(field, forms.IntegerField) and None not in (field.min_value, field.max_value):
        for code in ("min_value", "max_value"):
            field.error_messages.setdefault(code, f"A whole number from {field.min_value} to {field.max_value}.")


def _css_class(widget: forms.Widget) -> str:
    kind = next((kind for kind in CLASSES if isinstance(widget, kind)), None)
    return "form-control" if kind is None else CLASSES[kind]


class NamedForm(PlainForm):
    """What every resource has: a name and a description. `fresh` is the uuid of the thing to be made.

    It comes with the empty form, so that sending the form twice makes one thing.
    """

    fresh = forms.CharField(widget=forms.HiddenInput, required=False, max_length=32, initial=new_uuid)
    name = forms.CharField(max_length=NAME_LENGTH)
    description = forms.CharField(
        max_length=DESCRIPTION_LENGTH, required=False, widget=forms.Textarea({"rows": 2}), label="Description"
    )

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if problem := name_problem(name):
            raise forms.ValidationError(problem)
        return name

    def clean_description(self) -> str | None:
        return self.cleaned_data["description"] or None


#: a number below it without a unit was not meant as bytes
SMALL = 1 << 20


class SizeField(forms.CharField):
    """Bytes as people write them: "512M", "1.5 GiB"."""

    def __init__(self, *, least: int = 1, **kwargs: Any) -> None:
        self.least = least
        kwargs.setdefault("help_text", "A number with a unit, as in 512M, 20G or 1.5 GiB.")
        super().__init__(max_length=40, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return exact_size(value) if isinstance(value, int) else value

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if text in self.empty_values:
            return None
        try:
            size = parse_size(str(text))
        except SizeError as error:
            raise forms.ValidationError(str(error)) from error
        if size < SMALL and str(text).strip().isdigit():
            raise forms.ValidationError(f"{text} bytes? Write the unit: {text}G is {text} GiB, {text}M is {text} MiB.")
        if not self.least <= size < 1 << 63:
            raise forms.ValidationError(f"At least {format_size(self.least)} and less than 8 EiB.")
        return size

    # Length and emptiness are checked on the text, which is no more there.
    def run_validators(self, value: Any) -> None:
        return None


def exact_size(size: int) -> str:
    """A size that reads back as the same number of bytes."""
    for letter in "TGMK":
        unit = parse_size(f"1{letter}")
        if size and size % unit == 0:
            return f"{size // unit} {letter}iB"
    return f"{size} B"


class RowIterator(ModelChoiceIterator):
    """Rows of equal names are told apart by the beginning of their uuid, as their pages show it."""

    def __iter__(self) -> Iterator[Any]:
        if self.field.empty_label is not None:
            yield "", self.field.empty_label
        pairs = [self.choice(row) for row in self.queryset.all()]
        labels = told_apart([label for _, label in pairs], [str(value)[:SHORT_UUID] for value, _ in pairs])
        yield from zip((value for value, _ in pairs), labels, strict=True)


class RowField(forms.ModelChoiceField):
    """Choose another resource; its name is shown, its uuid is sent."""

    iterator = RowIterator

    def __init__(self, queryset: Any, **kwargs: Any) -> None:
        kwargs.setdefault("empty_label", "Choose…")
        super().__init__(queryset, **kwargs)


def _card(label: str, help_text: str) -> str:
    """A choice that explains itself."""
    return format_html('{}<span class="field-help">{}</span>', label, help_text)


class ConfirmForm(PlainForm):
    """A deletion that takes other things along: the name is typed to say "I have seen it"."""

    mode = forms.ChoiceField(
        label="If a VM cannot be stopped or destroyed",
        widget=forms.RadioSelect,
        choices=(
            ("Permissive", _card("Abort, and name the VM", "What has been stopped or destroyed by then stays so.")),
            (
                "Enforcing",
                _card(
                    "Delete the records anyway",
                    "Only for hosts that are dead: their VMs count as stopped or destroyed, though they may still run.",
                ),
            ),
        ),
        initial="Permissive",
    )
    confirm = forms.CharField(strip=True)

    def __init__(self, *args: Any, name: str, ends_guests: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name = name
        if not ends_guests:
            del self.fields["mode"]
        confirm = self.fields["confirm"]
        confirm.label = f"Type the name “{name}” to confirm"
        confirm.error_messages["required"] = f"Type exactly: {name}"
        confirm.widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}

    def clean_confirm(self) -> str:
        if self.cleaned_data["confirm"] != self.name:
            raise forms.ValidationError(f"This is not the name. Type exactly: {self.name}")
        return self.name
