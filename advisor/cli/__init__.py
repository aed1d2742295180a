"""The command line: parse, call, render. Data goes to stdout, everything else to stderr."""


def main() -> None:
    """Run a command. Ctrl-C ends quietly, also while the commands are still being loaded."""
    try:
        from advisor.cli.application import main as run

        run()
    except KeyboardInterrupt:
        raise SystemExit(130) from None


__all__ = ["main"]
