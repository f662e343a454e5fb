"""`vitrolyte fit KIND`: one command for each kind of measurement, made from its settings."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from vitrolyte.study.recipe import Recipe

CarryOut = Callable[..., None]
_OF_STEPS = frozenset({"recipe", "optional", "files"})


class Kinds(TyperGroup):
    """The kinds of measurement, looked up when they are asked for."""

    carry_out: CarryOut

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the kinds."""
        from vitrolyte.study.cookbook import COOKBOOK
        from vitrolyte.study.measured import RECIPES

        del ctx
        return [kind for kind, recipe in RECIPES.items() if recipe in COOKBOOK]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command of a kind; raises InputError for an unknown one."""
        from vitrolyte.study.cookbook import COOKBOOK
        from vitrolyte.study.measured import recipe_of

        del ctx
        return _command(cmd_name, COOKBOOK[recipe_of(cmd_name)], type(self).carry_out)


def fit_app(carry_out: CarryOut) -> typer.Typer:
    """Return the group of commands; ``carry_out(study, folder, as_json)`` runs what they ask."""
    group = type("MeasuredKinds", (Kinds,), {"carry_out": staticmethod(carry_out)})
    return typer.Typer(
        cls=group,
        help="Fit measured data: impedance, NMR, DSC, diffraction and more.",
        no_args_is_help=True,
        rich_markup_mode=None,
        callback=_nothing,
    )


def _nothing() -> None:
    """Fit measured data: impedance, NMR, DSC, diffraction and more."""


def _command(kind: str, recipe: Recipe, carry_out: CarryOut) -> Any:
    def fit(**options: Any) -> None:
        from vitrolyte.study.fitting import fit_study

        out, as_json = options.pop("out"), options.pop("as_json")
        carry_out(fit_study(kind, _given(options)), out, as_json)

    _sign(fit, _parameters(recipe))
    fit.__doc__ = inspect.getdoc(recipe.settings)
    one = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    one.command(name=kind)(fit)
    return typer.main.get_command(one)


def _sign(function: Any, parameters: Mapping[str, tuple[Any, Any]]) -> None:
    """Give a function the signature from which its options are read."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    function.__signature__ = inspect.Signature(
        [
            inspect.Parameter(name, keyword, annotation=hint, default=default)
            for name, (hint, default) in parameters.items()
        ]
    )
    function.__annotations__ = {name: hint for name, (hint, _) in parameters.items()}


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was typed; a flag that was not is left to its default."""
    return {name: value for name, value in options.items() if value not in (None, False)}


def _parameters(recipe: Recipe) -> dict[str, tuple[Any, Any]]:
    own = {
        name: _option(name, field)
        for name, field in recipe.settings.model_fields.items()
        if name not in _OF_STEPS
    }
    files = typer.Argument(metavar="FILE...", help="Files of the instrument.")
    return {
        "files": (Annotated[list[Path], files], inspect.Parameter.empty),
        **own,
        "formula": _text("formula", "Formula of the sample, for the table: Li6PS5Cl."),
        "material": _text("material", "Its name in the table."),
        "out": (
            Annotated[Path | None, typer.Option(help="Result folder.", file_okay=False)],
            None,
        ),
        "as_json": (
            Annotated[
                bool,
                typer.Option("--json", help="Print one JSON array of observations, nothing else."),
            ],
            False,
        ),
    }


def _text(name: str, help_text: str, metavar: str = "TEXT") -> tuple[Any, None]:
    option = typer.Option("--" + name.replace("_", "-"), help=help_text, metavar=metavar)
    return Annotated[str | None, option], None


def _option(name: str, field: FieldInfo) -> tuple[Any, Any]:
    """Return the option of a setting: a flag, or a text that the settings read and check."""
    help_text = f"{field.description or ''}{_default(field)}"
    if field.annotation is bool and field.default is False:
        return Annotated[bool, typer.Option("--" + name.replace("_", "-"), help=help_text)], False
    return _text(name, help_text, _metavar(field.annotation))


def _default(field: FieldInfo) -> str:
    if field.is_required() or field.default in (None, "", ()) or field.default_factory is not None:
        return ""
    value = field.default
    text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return f" [default: {text}]"


def _metavar(hint: Any) -> str:
    choices = _choices(hint)
    if choices:
        return "|".join(choices)
    words = str(hint)
    if "Path" in words:
        return "FILE"
    number = "float" in words or "int" in words
    several = "tuple" in words
    return ("NUMBER" if number else "TEXT") + (",..." if several else "")


def _choices(hint: Any) -> tuple[str, ...]:
    if typing.get_origin(hint) is Literal:
        return tuple(str(choice) for choice in typing.get_args(hint))
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return next((found for part in typing.get_args(hint) if (found := _choices(part))), ())
    return ()
