"""the version of distill, which bundles and code files name."""

VERSION = "0.1.0"
