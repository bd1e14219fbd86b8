//! Documentation: carried over from the script, or made from declarations.
//!
//! A script's comments are Markdown for readers of `smpc doc`; here they stand in a Rust crate, where a block of code would be
//! compiled and run as a test, and loose lines, brackets and what looks like a tag of HTML are lints. [`carried`] changes no words.

use smpc_grammar::Sources;
use smpc_grammar::ast::FileId;
use smpc_ir::local::Source;
use smpc_ir::share::Type;

/// The `//!` lines at the head of the script.
pub(crate) fn head(sources: &Sources, file: FileId) -> Vec<String> {
    let text = sources.get(file).map_or("", |file| &file.text);
    let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
    carried(lines)
}

/// The `///` lines above the line of a declaration.
pub(crate) fn above(sources: &Sources, source: Source) -> Vec<String> {
    let text = sources.get(FileId(source.file)).map_or("", |f| &f.text);
    let before = text.get(..source.start as usize).unwrap_or("");
    let mut lines: Vec<&str> = before
        .lines()
        // The line of the declaration itself, unless the place is its very start.
        .rev()
        .skip(usize::from(!before.ends_with('\n')))
        .map_while(|line| line.trim().strip_prefix("///"))
        .take_while(|line| !line.starts_with('/'))
        .collect();
    lines.reverse();
    carried(lines)
}

/// What opens or closes a block of code: the mark, at least three times.
fn fence(line: &str) -> Option<(char, usize)> {
    let mark = line.chars().next().filter(|c| "`~".contains(*c))?;
    let count = line.chars().take_while(|c| *c == mark).count();
    let info = line.get(count..)?;
    (count >= 3 && !(mark == '`' && info.contains('`'))).then_some((mark, count))
}

/// How far in the text of a list's item stands: `- ` two, `12. ` four.
fn marker(line: &str) -> Option<usize> {
    let digits = line.chars().take_while(char::is_ascii_digit).count();
    let mark = line.get(digits..)?.chars().next()?;
    let fits = if digits == 0 {
        "-*+".contains(mark)
    } else {
        digits < 10 && ".)".contains(mark)
    };
    let after = line.get(digits + 1..)?;
    (fits && after.starts_with(' ')).then_some(digits + 2)
}

/// The name that `[name]: target` gives a target.
fn defined(line: &str) -> Option<&str> {
    let (name, _) = line.trim().strip_prefix('[')?.split_once("]:")?;
    (!name.contains(']')).then_some(name)
}

/// A line outside of code whose brackets are no links to items of Rust, and whose `<` begins no tag. Links that have a target stay.
fn escaped(line: &str, targets: &[String]) -> String {
    if defined(line).is_some() {
        return line.to_owned();
    }
    let known = |name: &str| targets.iter().any(|target| target == name);
    let linked = |after: &str| {
        let Some((name, rest)) = after.split_once(']') else {
            return false;
        };
        let other = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        rest.starts_with('(') || known(name) || other.is_some_and(|(name, _)| known(name))
    };
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let after = rest.get(c.len_utf8()..).unwrap_or("");
        let mut taken = c.len_utf8();
        match c {
            // What is escaped already.
            '\\' => taken += after.chars().next().map_or(0, char::len_utf8),
            '`' => {
                let ticks = rest.chars().take_while(|c| *c == '`').count();
                let (mark, inside) = rest.split_at(ticks);
                taken = match inside.find(mark) {
                    Some(end) => end + 2 * ticks,
                    None => ticks,
                };
            }
            '[' if !linked(after) => out.push('\\'),
            '<' => {
                let tag = |c: char| c.is_alphabetic() || "/!?".contains(c);
                let address = ["http://", "https://"]
                    .iter()
                    .any(|way| after.starts_with(way));
                if after.starts_with(tag) && !address {
                    out.push('\\');
                }
            }
            _ => {}
        }
        out.push_str(rest.get(..taken).unwrap_or(rest));
        rest = rest.get(taken..).unwrap_or("");
    }
    out
}

/// Lines of Markdown as documentation of Rust: blocks of code are text and no tests, lines that go on with an item or a quotation
/// are indented or marked as such, tabs are blanks, and no character controls the terminal.
fn carried<'l>(lines: impl IntoIterator<Item = &'l str>) -> Vec<String> {
    let lines: Vec<&str> = lines.into_iter().collect();
    let targets = lines.iter().filter_map(|line| defined(line));
    let targets: Vec<String> = targets.map(str::to_owned).collect();
    let mut out: Vec<String> = vec![];
    let mut open: Option<(char, usize)> = None;
    // Whether a block of indented code is open; how far in the text of the last item stands; what the line before was.
    let (mut indented, mut item, mut blank, mut quoted) = (false, 0, true, false);
    for line in lines {
        let line: String = line
            .replace('\t', "    ")
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let line = line.strip_prefix(' ').unwrap_or(&line).trim_end();
        let text = line.trim_start();
        let depth = line.len() - text.len();
        let found = fence(text);
        if let Some((mark, count)) = open {
            let ends = found.is_some_and(|(m, c)| m == mark && c >= count)
                && text.chars().all(|c| c == mark);
            open = if ends { None } else { open };
            out.push(format!(" {line}"));
            (blank, quoted) = (false, false);
            continue;
        }
        if text.is_empty() {
            out.push(String::new());
            (blank, quoted) = (true, false);
            continue;
        }
        if item == 0 && depth >= 4 && (blank || indented) {
            if !indented {
                out.push(" ```text".to_owned());
            }
            indented = true;
            out.push(format!(" {}", line.get(4..).unwrap_or(text)));
            blank = false;
            continue;
        }
        if indented {
            out.push(" ```".to_owned());
            indented = false;
        }
        // An item may stand inside of another one's text, not deeper.
        let depth = depth.min(if item > 0 { item } else { 3 });
        let starts = marker(text);
        if blank && depth == 0 && starts.is_none() {
            item = 0;
        }
        let depth = match starts {
            Some(_) => depth,
            None if item > 0 => item,
            None => depth,
        };
        let pad = " ".repeat(depth + 1);
        if let Some((mark, count)) = found {
            open = found;
            let ticks: String = std::iter::repeat_n(mark, count).collect();
            out.push(format!("{pad}{ticks}text"));
        } else if quoted && !text.starts_with('>') {
            out.push(format!("{pad}> {}", escaped(text, &targets)));
        } else {
            out.push(format!("{pad}{}", escaped(text, &targets)));
        }
        quoted = quoted || text.starts_with('>');
        if let Some(width) = starts {
            item = depth + width;
        }
        blank = false;
    }
    if indented {
        out.push(" ```".to_owned());
    }
    if let Some((mark, count)) = open {
        let ticks: String = std::iter::repeat_n(mark, count).collect();
        out.push(format!(" {ticks}"));
    }
    out
}

/// The script's words, if any, then our own as a paragraph.
pub(crate) fn joined(mut script: Vec<String>, own: &str) -> Vec<String> {
    if !script.is_empty() {
        script.push(String::new());
    }
    script.push(format!(" {own}"));
    script
}

/// How a type's values look in Rust, for readers of the documentation.
pub(crate) fn kind(ty: Type, text: bool) -> String {
    let name = ty.shown(text);
    match ty {
        Type::Fix(f) => format!("`{name}`, numbers of which shares keep {f} binary places"),
        Type::Bits(m) if text => format!("`{name}`, at most {} bytes, none of them zero", m / 8),
        _ => format!("`{name}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        carried(text.lines()).join("\n")
    }

    #[test]
    fn words_stay_as_they_are() {
        let text = " The mean, see x < y.\n\n - one\n   more of it\n - two\n\n And a paragraph.";
        assert_eq!(shown(text), text);
    }

    #[test]
    fn brackets_are_no_items_and_no_tags() {
        assert_eq!(
            shown(" A [Foo], x[i] of Vec<T> is <b>.</b>"),
            " A \\[Foo], x\\[i] of Vec\\<T> is \\<b>.\\</b>"
        );
        for text in [
            " See [x](https://a.org) and <https://a.org>.",
            " Code: `x[i]`, ``a`<b>``.",
            " Escaped: \\[x] \\<b>, a <b",
            " See [x] and [that][x].\n\n [x]: https://a.org",
            " ```text\n x[i] <b>\n ```",
        ] {
            let kept = text.replace("a <b", "a < b");
            assert_eq!(shown(&kept), kept);
        }
        assert_eq!(
            shown(" - one [é\n   `open <é>"),
            " - one \\[é\n   `open \\<é>"
        );
    }

    #[test]
    fn code_is_no_test() {
        assert_eq!(
            shown(" ```\n f(2) == 4\n ```\n x"),
            " ```text\n f(2) == 4\n ```\n x"
        );
        assert_eq!(shown(" ```rust\n f(2)"), " ```text\n f(2)\n ```");
        let indented = " a\n\n     let x = 1;\n       y\n b";
        assert_eq!(
            shown(indented),
            " a\n\n ```text\n let x = 1;\n   y\n ```\n b"
        );
        // in an item no more than its text
        assert_eq!(shown(" - a\n\n         deep"), " - a\n\n   deep");
        // a paragraph goes on, however far in
        assert_eq!(shown(" a\n        b"), " a\n    b");
    }

    #[test]
    fn loose_lines_are_bound() {
        assert_eq!(
            shown(" - one\n goes on\n 10. ten\n goes on"),
            " - one\n   goes on\n 10. ten\n     goes on"
        );
        assert_eq!(
            shown(" > quote\n goes on\n\n out"),
            " > quote\n > goes on\n\n out"
        );
        assert_eq!(shown("\ta\rb\u{7}"), "    a b");
        assert_eq!(shown("! no head"), " ! no head");
    }
}
