//! Text inside of other text: what JSON, XML and people can read.

use std::fmt::{self, Display, Formatter, Write};

/// As a JSON string, in quotation marks, also inside a script of a page.
pub(super) struct Json<'a>(pub(super) &'a str);

/// As text or an attribute's value in XML and HTML.
pub(super) struct Xml<'a>(pub(super) &'a str);

/// Nanoseconds, as people say it.
pub(super) struct Time(pub(super) u64);

/// Nanoseconds as microseconds.
pub(super) struct Micros(pub(super) u64);

impl Display for Json<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                // `<`: so that `</script>` does not end one.
                '<' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => write!(f, "\\u{:04x}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

impl Display for Xml<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                // Not allowed in XML, not even as a reference.
                '\0'..='\u{8}' | '\u{b}'..='\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                    f.write_char('\u{fffd}')?;
                }
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

impl Display for Time {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (unit, name) = match self.0 {
            0..1_000 => return write!(f, "{} ns", self.0),
            1_000..1_000_000 => (1e3, "µs"),
            1_000_000..1_000_000_000 => (1e6, "ms"),
            _ => (1e9, "s"),
        };
        let number = self.0 as f64 / unit;
        let digits = if number < 10.0 { 2 } else { usize::from(number < 100.0) };
        write!(f, "{number:.digits$} {name}")
    }
}

impl Display for Micros {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_its_place() {
        assert_eq!(Json("a\"b\\</script>\n\u{1}").to_string(), r#""a\"b\\\u003c/script>\u000a\u0001""#);
        assert_eq!(Xml("<a b=\"&\">\0").to_string(), "&lt;a b=&quot;&amp;&quot;&gt;\u{fffd}");
    }

    #[test]
    fn times_have_three_digits_or_so() {
        let times =
            [999, 1_234, 12_345, 123_456, 1_000_000, 61_000_000_000].map(|time| Time(time).to_string());
        assert_eq!(times, ["999 ns", "1.23 µs", "12.3 µs", "123 µs", "1.00 ms", "61.0 s"]);
        assert_eq!(Micros(1_002_003).to_string(), "1002.003");
    }
}
