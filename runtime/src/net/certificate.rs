//! When a certificate is valid: the one field of it that counts besides its key, as peers are
//! pinned byte by byte (RFC 5280, 4.1).

/// In seconds since 1970, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Validity {
    pub from: i64,
    pub until: i64,
}

/// The validity of a certificate in DER; none if it is no certificate.
pub(crate) fn validity(certificate: &[u8]) -> Option<Validity> {
    let (tag, certificate, _) = element(certificate)?;
    let (inner, to_be_signed, _) = element(certificate)?;
    if (tag, inner) != (SEQUENCE, SEQUENCE) {
        return None;
    }
    let (first, _, after_version) = element(to_be_signed)?;
    // Version, an explicit tag 0, is absent in version 1.
    let mut rest = if first == 0xa0 {
        after_version
    } else {
        to_be_signed
    };
    for expected in [INTEGER, SEQUENCE, SEQUENCE] {
        let (tag, _, after) = element(rest)?;
        if tag != expected {
            return None;
        }
        rest = after;
    }
    let (tag, both, _) = element(rest)?;
    if tag != SEQUENCE {
        return None;
    }
    let (from_tag, from, rest) = element(both)?;
    let (until_tag, until, _) = element(rest)?;
    Some(Validity {
        from: time(from_tag, from)?,
        until: time(until_tag, until)?,
    })
}

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;

/// Tag, contents and what follows of the first element.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = digits.iter().fold(0u64, |n, d| n << 8 | u64::from(*d));
            (usize::try_from(length).ok()?, rest)
        }
        _ => return None,
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    Some((*tag, contents, rest))
}

fn time(tag: u8, text: &[u8]) -> Option<i64> {
    let digits = text.strip_suffix(b"Z")?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = |range: std::ops::Range<usize>| {
        let part = digits.get(range)?;
        Some(part.iter().fold(0, |n, d| 10 * n + i64::from(d - b'0')))
    };
    let (year, at) = match (tag, digits.len()) {
        (UTC_TIME, 12) => match number(0..2)? {
            y @ 50.. => (1900 + y, 2),
            y => (2000 + y, 2),
        },
        (GENERALIZED_TIME, 14) => (number(0..4)?, 4),
        _ => return None,
    };
    let two = |i: usize| number(at + 2 * i..at + 2 * i + 2);
    let (month, day) = (two(0)?, two(1)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    Some(days(year, month, day) * 86_400 + two(2)? * 3_600 + two(3)? * 60 + two(4)?)
}

/// Days from 1970-01-01 in the Gregorian calendar, years counted from March.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// A moment as a date, for messages.
pub(crate) fn date(seconds: i64) -> String {
    let z = seconds.div_euclid(86_400) + 719_468;
    let (era, of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times() {
        assert_eq!(time(UTC_TIME, b"700101000000Z"), Some(0));
        assert_eq!(time(UTC_TIME, b"491231235959Z"), Some(2_524_607_999));
        assert_eq!(
            time(GENERALIZED_TIME, b"20500101000000Z"),
            Some(2_524_608_000)
        );
        assert_eq!(
            time(GENERALIZED_TIME, b"20000229120000Z"),
            Some(951_825_600)
        );
        assert_eq!(time(UTC_TIME, b"7001010000Z"), None);
        assert_eq!(date(951_825_600), "2000-02-29");
        assert_eq!(date(-1), "1969-12-31");
    }

    #[test]
    fn a_made_certificate() {
        let identity =
            crate::net::keygen::generate("alice", crate::net::keygen::Span::days(3)).unwrap();
        let span = validity(identity.certificate()).unwrap();
        assert_eq!(span.until - span.from, 4 * 86_400);
    }

    proptest! {
        #[test]
        fn any_bytes(bytes: Vec<u8>) {
            validity(&bytes);
        }

        #[test]
        fn dates_invert(days_since in -700_000i64..2_000_000) {
            let text = date(days_since * 86_400);
            let mut parts = text.rsplitn(3, '-').map(|p| p.parse().unwrap());
            let (day, month, year) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
            prop_assume!(year >= 0);
            prop_assert_eq!(days(year, month, day), days_since);
        }
    }
}
