//! Where a tracepoint has its fields: what tracefs says of it in `events/CATEGORY/NAME/format`. The kernel
//! promises the names of fields, not their places; so they are asked for, and not compiled in.

use std::fmt;

/// A tracepoint, as the running kernel has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Format {
    /// Its name.
    pub name: String,
    /// The number by which it is attached to.
    pub id: u32,
    /// In the kernel's order.
    pub fields: Vec<Field>,
}

/// A field of a tracepoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    /// Its type and name, as in C: `char prev_comm[16]`.
    pub declaration: String,
    /// The bytes before it.
    pub offset: usize,
    /// Its bytes.
    pub size: usize,
}

/// Why a text is no format, or not the one that was needed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FormatError {
    /// A line is not as lines are.
    Line(String),
    /// It has no such line.
    Missing(&'static str),
    /// The tracepoint has no such field, or not of such a size.
    Field { name: &'static str, sizes: &'static [usize] },
}

impl Format {
    /// Reads the text of the file.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        let (mut name, mut id, mut fields) = (None, None, Vec::new());
        for line in text.lines().map(str::trim) {
            let bad = || FormatError::Line(line.to_owned());
            match line.split_once(':') {
                Some(("name", rest)) => name = Some(rest.trim().to_owned()),
                Some(("ID", rest)) => id = Some(rest.trim().parse().map_err(|_| bad())?),
                Some(("field", _)) => fields.push(Field::parse(line).ok_or_else(bad)?),
                // How it is printed comes last, and may hold anything.
                Some(("print fmt", _)) => break,
                Some(("format", "")) => {}
                None if line.is_empty() => {}
                _ => return Err(bad()),
            }
        }
        Ok(Self {
            name: name.ok_or(FormatError::Missing("name"))?,
            id: id.ok_or(FormatError::Missing("ID"))?,
            fields,
        })
    }

    /// The field of this name, if it has one of these sizes.
    pub fn field(&self, name: &'static str, sizes: &'static [usize]) -> Result<&Field, FormatError> {
        self.fields
            .iter()
            .find(|field| field.name() == name && sizes.contains(&field.size))
            .ok_or(FormatError::Field { name, sizes })
    }
}

impl Field {
    /// `field:pid_t prev_pid; offset:24; size:4; signed:1;`, with tabs between the parts.
    fn parse(line: &str) -> Option<Self> {
        let (mut declaration, mut offset, mut size) = (None, None, None);
        for part in line.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            match part.split_once(':')? {
                ("field", text) => declaration = Some(text.to_owned()),
                ("offset", number) => offset = Some(number.parse().ok()?),
                ("size", number) => size = Some(number.parse().ok()?),
                _ => {}
            }
        }
        Some(Self { declaration: declaration?, offset: offset?, size: size? })
    }

    /// Its name alone.
    #[must_use]
    pub fn name(&self) -> &str {
        let name = self.declaration.rsplit([' ', '*']).next().unwrap_or_default();
        name.split('[').next().unwrap_or_default()
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => {
                write!(f, "the format of the tracepoint has a line that means nothing: {line:?}")
            }
            Self::Missing(what) => write!(f, "the format of the tracepoint has no line `{what}`"),
            Self::Field { name, sizes } => {
                write!(f, "the tracepoint has no field `{name}` of {sizes:?} bytes on this kernel")
            }
        }
    }
}

impl std::error::Error for FormatError {}
