//! As much JSON as flat arrays of strings need.

use std::fmt::Write as _;

/// An object under construction.
#[derive(Default)]
pub struct Object {
    text: String,
}

/// A number.
pub fn number(value: impl Into<u128>) -> String {
    format!("0x{:x}", value.into())
}

/// Bytes.
pub fn bytes(value: impl AsRef<[u8]>) -> String {
    value
        .as_ref()
        .iter()
        .fold(String::from("0x"), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
}

impl Object {
    /// Adds a string.
    pub fn one(&mut self, name: &str, value: &str) {
        self.field(name, &format!("\"{value}\""));
    }

    /// Adds an array of strings.
    pub fn many(&mut self, name: &str, values: impl IntoIterator<Item = String>) {
        let values: Vec<_> = values
            .into_iter()
            .map(|value| format!("    \"{value}\""))
            .collect();
        let inside = if values.is_empty() {
            String::new()
        } else {
            format!("\n{}\n  ", values.join(",\n"))
        };
        self.field(name, &format!("[{inside}]"));
    }

    fn field(&mut self, name: &str, value: &str) {
        let comma = if self.text.is_empty() { "" } else { ",\n" };
        write!(self.text, "{comma}  \"{name}\": {value}").unwrap();
    }

    /// The object's text.
    pub fn finish(self) -> String {
        format!("{{\n{}\n}}\n", self.text)
    }
}
