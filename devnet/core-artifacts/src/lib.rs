//! Nothing to compile: see the manifest.
