"""the version of distill, which bundles and code files name."""

VERSION = "1.0.0"
