//! The style of an image, also for viewers that know no variables of CSS: they get the colours of the day.

/// `property:var(--name)` becomes `property:value;property:var(--name)`, with the value that the first block gives
/// to the name. Who does not know the second keeps the first.
pub(super) fn with_fallbacks(style: &str) -> String {
    let value = |name: &str| {
        let (_, rest) = style.split_once(&format!("{name}:"))?;
        rest.split([';', '}']).next()
    };
    let mut parts = style.split("var(");
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let name = part.split(')').next().unwrap_or_default();
        let property = result.rsplit(['{', ';']).next().unwrap_or_default().to_owned();
        if let Some(value) = value(name) {
            result += &format!("{value};{property}");
        }
        result += "var(";
        result += part;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_comes_before_its_variable() {
        let style =
            "a{--fg:#111;--bg:#eee}@media(dark){a{--fg:#eee}}b{fill:var(--fg);stroke:var(--bg)}c{x:y}";
        let expected = "a{--fg:#111;--bg:#eee}@media(dark){a{--fg:#eee}}\
                        b{fill:#111;fill:var(--fg);stroke:#eee;stroke:var(--bg)}c{x:y}";
        assert_eq!(with_fallbacks(style), expected);
        assert_eq!(with_fallbacks("b{fill:var(--unknown)}"), "b{fill:var(--unknown)}");
    }
}
