//! The range checks that the record decoders share.

use quorate_canon::{CodecError, Mask256};

/// `Ok` if the field is as the format allows.
pub(crate) fn ensure(
    ok: bool,
    field: &'static str,
    got: impl Into<u64>,
    expected: &'static str,
) -> Result<(), CodecError> {
    if ok {
        Ok(())
    } else {
        Err(CodecError::Range {
            field,
            got: got.into(),
            expected,
        })
    }
}

/// `Ok` if the mask has a bit.
pub(crate) fn ensure_some(mask: &Mask256, field: &'static str) -> Result<(), CodecError> {
    ensure(!mask.is_zero(), field, 0_u64, "at least one bit")
}
