//! The provider's agent: runs beside the GPUs, reads them, and reports on them.
