//! The range checks that the decoders share.

use quorate_canon::CodecError;

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
