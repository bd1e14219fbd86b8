//! Conditions, ranges and parties of a contract as texts that can be compared.

/// A text as it is compared: single spaces, only where two words meet, no brackets around what `!` takes by itself,
/// and indices of loops by number.
pub(crate) fn canonical(text: &str, names: &[String]) -> String {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = match word(first) {
            true => rest.find(|c| !word(c)).unwrap_or(rest.len()),
            false => first.len_utf8(),
        };
        let (token, after) = rest.split_at(end);
        let spaced = text[..text.len() - rest.len()].ends_with(char::is_whitespace);
        rest = after;
        if first.is_whitespace() {
            continue;
        }
        if spaced && word(first) && out.ends_with(word) {
            out.push(' ');
        }
        match names.iter().rposition(|n| n == token) {
            Some(at) => out.push_str(&format!("${at}")),
            None => out.push_str(token),
        }
    }
    plain(&out)
}

/// `!(x)` as `!x`, where x is a name, a member, an element or a call.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("!(") {
        let (before, inner) = rest.split_at(at + 1);
        out.push_str(before);
        rest = inner;
        if let Some(end) = closing(inner)
            && let Some(operand) = inner.get(1..end)
            && is_operand(operand)
        {
            out.push_str(&plain(operand));
            rest = inner.get(end + 1..).unwrap_or_default();
        }
    }
    out + rest
}

/// Where the bracket that a text begins with closes.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// Whether an operator in front takes all of a text.
fn is_operand(text: &str) -> bool {
    let mut rest = text;
    let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '.' | ':');
    if !rest.starts_with(word) {
        return false;
    }
    while let Some(first) = rest.chars().next() {
        let end = match first {
            c if word(c) => Some(c.len_utf8()),
            '(' | '[' => closing(rest).map(|at| at + 1),
            _ => None,
        };
        let Some(after) = end.and_then(|end| rest.get(end..)) else {
            return false;
        };
        rest = after;
    }
    true
}

/// A canonical text as a script writes it.
pub(crate) fn indexed(text: &str) -> String {
    const NAMES: [&str; 6] = ["i", "j", "k", "l", "i5", "i6"];
    let names = NAMES.iter().enumerate();
    names.fold(text.to_owned(), |text, (at, name)| {
        text.replace(&format!("${at}"), name)
    })
}

/// A condition as a part of a conjunction.
pub(crate) fn bracketed(condition: &str) -> String {
    let loose = condition.split(|c: char| !c.is_alphanumeric());
    match loose.into_iter().any(|word| word == "or") {
        true => format!("({condition})"),
        false => condition.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn conditions_are_compared_up_to_the_name_of_the_index() {
        let a = canonical("groups[ i ]", &["i".to_owned()]);
        assert_eq!(a, canonical("groups[j]", &["j".to_owned()]));
        assert_ne!(a, canonical("groups[j]", &["i".to_owned()]));
    }

    #[test]
    fn a_negation_has_brackets_where_it_needs_them() {
        let same = |a: &str, b: &str| assert_eq!(canonical(a, &[]), b);
        same("! ( f )", "!f");
        same("!f", "!f");
        same("!(a[i + 1].b)", "!a[i+1].b");
        same("!(g(x, !(y))) and !(z)", "!g(x,!y)and!z");
        for kept in ["!(a and b)", "!(a<b)", "!(-a)", "!(a"] {
            same(kept, kept);
        }
    }
}
