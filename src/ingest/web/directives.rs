//! What a page says to robots: `X-Robots-Tag` and `<meta name=robots>`. Pure.

use super::robots::AGENT;

/// What a page asks robots not to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Directives {
    /// Do not store the page.
    pub(super) noindex: bool,
    /// Do not follow its links.
    pub(super) nofollow: bool,
}

/// Directives that take a value after a colon, which could be mistaken for the name of a robot.
const WITH_VALUE: [&str; 4] =
    ["unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"];

impl Directives {
    pub(super) fn and(self, other: Self) -> Self {
        Self { noindex: self.noindex || other.noindex, nofollow: self.nofollow || other.nofollow }
    }

    /// Parses one `X-Robots-Tag` header: directives for all robots, or for one robot after `NAME:`.
    pub(super) fn of_header(value: &str) -> Self {
        match value.split_once(':') {
            Some((name, rest)) if is_robot(name) => {
                if name.trim().eq_ignore_ascii_case(AGENT) {
                    Self::of_list(rest)
                } else {
                    Self::default()
                }
            }
            _ => Self::of_list(value),
        }
    }

    /// Parses `<meta name=NAME content=CONTENT>`.
    pub(super) fn of_meta(name: &str, content: &str) -> Self {
        let name = name.trim();
        if name.eq_ignore_ascii_case("robots") || name.eq_ignore_ascii_case(AGENT) {
            Self::of_list(content)
        } else {
            Self::default()
        }
    }

    fn of_list(list: &str) -> Self {
        let has = |names: [&str; 2]| {
            let words = list.split([',', ' ', '\t']).map(str::trim);
            words.into_iter().any(|word| names.iter().any(|name| word.eq_ignore_ascii_case(name)))
        };
        Self { noindex: has(["noindex", "none"]), nofollow: has(["nofollow", "none"]) }
    }
}

/// Whether the text before a colon is the name of a robot, as in `otherbot: noindex`, and not in
/// `noindex, unavailable_after: 25 Jun 2027`.
fn is_robot(name: &str) -> bool {
    let name = name.trim();
    !name.contains([',', ' ']) && !WITH_VALUE.iter().any(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_and_elements() {
        let both = (true, true);
        for (value, expected) in [
            ("noindex", (true, false)),
            ("NoFollow", (false, true)),
            ("noindex,nofollow", both),
            ("noindex nofollow", both),
            ("none", both),
            ("all", (false, false)),
            ("noarchive, max-snippet:-1", (false, false)),
            ("noindex, unavailable_after: 25 Jun 2027 15:00:00 GMT", (true, false)),
            ("unavailable_after: 25 Jun 2027 15:00:00 GMT, nofollow", (false, true)),
            ("otherbot: noindex, nofollow", (false, false)),
            ("docent: noindex", (true, false)),
            ("Docent: none", both),
            ("", (false, false)),
        ] {
            let found = Directives::of_header(value);
            assert_eq!((found.noindex, found.nofollow), expected, "{value}");
        }
        for (name, content, expected) in [
            ("robots", "noindex, follow", (true, false)),
            ("ROBOTS", "none", both),
            ("docent", "nofollow", (false, true)),
            ("googlebot", "noindex", (false, false)),
            ("description", "noindex", (false, false)),
        ] {
            let found = Directives::of_meta(name, content);
            assert_eq!((found.noindex, found.nofollow), expected, "{name} {content}");
        }
    }
}
