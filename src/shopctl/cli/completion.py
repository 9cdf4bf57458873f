"""`shopctl completion`: putting completion into a shell."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from shopctl.cli.options import Context
from shopctl.kernel.errors import UsageError

noun = typer.Typer(help="Completion of commands and ids in your shell.", rich_markup_mode=None)

Shell = Annotated[
    Literal["bash", "zsh", "fish"] | None, typer.Option("--shell", help="The shell; yours ($SHELL) by default.")
]

# `shopctl __complete WORDS` prints a candidate a line, with a tab before its help. Where it has none, bash and zsh
# complete file names, as most arguments that are not ids are files.
_SCRIPTS = {
    "bash": """\
_shopctl() {
    local IFS=$'\\n' words=("${COMP_WORDS[@]:1:COMP_CWORD}")
    COMPREPLY=($(shopctl __complete "${words[@]}" 2>/dev/null | cut -f1))
}
complete -o default -o nosort -F _shopctl shopctl 2>/dev/null || complete -o default -F _shopctl shopctl
""",
    "zsh": """\
#compdef shopctl
_shopctl() {
    local -a found
    local value help
    while IFS=$'\\t' read -r value help; do
        found+=("${value//:/\\\\:}${help:+:$help}")
    done < <(shopctl __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
    if (( $#found )); then _describe -V shopctl found; else _files; fi
}
if [[ $funcstack[1] == _shopctl ]]; then _shopctl "$@"; else compdef _shopctl shopctl; fi
""",
    "fish": """\
function __shopctl_complete
    set -l words (commandline -opc) (commandline -ct)
    shopctl __complete $words[2..-1] 2>/dev/null
end
complete -c shopctl -f -a '(__shopctl_complete)'
""",
}


class UnknownShell(UsageError):
    """There is no completion for the shell {name!r}."""

    code = "usage.unknown_shell"
    hint = "Name one with: --shell bash, zsh or fish"


@noun.command()
def show(ctx: Context, shell: Shell = None) -> None:
    """Print the completion script, to be kept where your shell finds it."""
    typer.echo(_SCRIPTS[_shell(ctx, shell)], nl=False)


@noun.command()
def install(ctx: Context, shell: Shell = None) -> None:
    """Put the completion script where the shell loads it from; again at any time.

    bash: ~/.local/share/bash-completion/completions/shopctl (needs the package bash-completion).
    zsh: ~/.zfunc/_shopctl, with two lines to ~/.zshrc. fish: ~/.config/fish/completions/shopctl.fish.
    """
    name = _shell(ctx, shell)
    path = _place(name)
    written = _write(path, _SCRIPTS[name])
    if name == "zsh":
        written = _zshrc() or written
    ctx.obj.show(
        {"shell": name, "path": path, "changed": written},
        text=f"Completion for {name} is in {path}. Open a new shell to use it.",
    )


def _shell(ctx: Context, given: str | None) -> str:
    name = given or Path(ctx.obj.environ.get("SHELL", "")).name
    if name not in _SCRIPTS:
        raise UnknownShell(name=name)
    return name


def _place(shell: str) -> Path:
    home = Path.home()
    if shell == "bash":
        data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
        return data / "bash-completion" / "completions" / "shopctl"
    if shell == "fish":
        return Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "fish" / "completions" / "shopctl.fish"
    return home / ".zfunc" / "_shopctl"


def _zshrc() -> bool:
    path = Path(os.environ.get("ZDOTDIR") or Path.home()) / ".zshrc"
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if ".zfunc" in before:
        return False
    gap = "" if not before or before.endswith("\n") else "\n"
    return _write(path, f"{before}{gap}fpath+=~/.zfunc\nautoload -Uz compinit && compinit\n")


def _write(path: Path, text: str) -> bool:
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return True
