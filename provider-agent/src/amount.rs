//! Amounts and times as people write them.

use quorate_canon::{MicroDollars, Timestamp};

/// Millionths of a number with at most six decimals: `2.35` is 2 350 000.
///
/// # Errors
/// What is wrong with the text.
pub fn millionths(text: &str) -> Result<u64, String> {
    let refuse = |why: &str| format!("{text}: {why}, expected a number such as 2.35");
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) || text.ends_with('.') {
        return Err(refuse("no number"));
    }
    if part.len() > 6 {
        return Err(refuse("more than six decimals"));
    }
    let whole: u64 = whole.parse().map_err(|_| refuse("too large"))?;
    let part: u64 = format!("{part:0<6}").parse().unwrap_or(0);
    whole
        .checked_mul(1_000_000)
        .and_then(|micro| micro.checked_add(part))
        .ok_or_else(|| refuse("too large"))
}

/// A price in dollars, at least a millionth.
///
/// # Errors
/// What is wrong with the text.
pub fn dollars(text: &str) -> Result<MicroDollars, String> {
    match millionths(text)? {
        0 => Err(format!("{text}: nothing, expected more than 0")),
        micro => Ok(MicroDollars::new(micro)),
    }
}

/// Millionths as a number for people: 2 350 000 is `2.35`.
#[must_use]
pub fn show(millionths: u64) -> String {
    let text = format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A time: Unix seconds, `+90m` from `now` (s, m, h or d), or `2026-01-31T23:59:00Z`.
///
/// # Errors
/// What is wrong with the text.
pub fn time(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let found = if let Some(span) = text.strip_prefix('+') {
        seconds(span).and_then(|seconds| now.get().checked_add(seconds))
    } else if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        date(text)
    };
    found.map(Timestamp::new).ok_or_else(|| {
        format!(
            "{text}: no time, expected Unix seconds, +90m (s, m, h or d), or 2026-01-31T23:59:00Z"
        )
    })
}

fn seconds(span: &str) -> Option<u64> {
    let unit = match span.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    span.get(..span.len() - 1)?
        .parse::<u64>()
        .ok()?
        .checked_mul(unit)
}

/// Seconds of a date in UTC after 1970, by the proleptic Gregorian calendar.
fn date(text: &str) -> Option<u64> {
    let (day, clock) = text.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = numbers(day, '-')?;
    let [hour, minute, second] = numbers(clock, ':')?;
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let february = if leap(year) { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let before = usize::try_from(month.checked_sub(1)?).ok()?;
    let length = *months.get(before)?;
    let good = (1970..=9999).contains(&year)
        && (1..=length).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !good {
        return None;
    }
    let years: u64 = (1970..year)
        .map(|year| if leap(year) { 366 } else { 365 })
        .sum();
    let days = years + months.iter().take(before).sum::<u64>() + day - 1;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

fn numbers(text: &str, by: char) -> Option<[u64; 3]> {
    let parts: Vec<u64> = text
        .split(by)
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    parts.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prices_are_dollars() {
        for (text, micro) in [
            ("2.35", 2_350_000),
            ("0.000001", 1),
            ("7", 7_000_000),
            ("2.500000", 2_500_000),
        ] {
            assert_eq!(dollars(text), Ok(MicroDollars::new(micro)), "{text}");
        }
        for text in [
            "",
            ".5",
            "2.",
            "-1",
            "1e3",
            "2.3500001",
            "0",
            "0.0",
            "99999999999999999999",
            "2,35",
        ] {
            assert!(dollars(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_read_in_three_ways() {
        let now = Timestamp::new(1_000);
        let read = |text| time(text, now).map(Timestamp::get);
        assert_eq!(read("1700000000"), Ok(1_700_000_000));
        assert_eq!(read("+90m"), Ok(6_400));
        assert_eq!(read("+2d"), Ok(173_800));
        // `date -u -d @1700000000`
        assert_eq!(read("2023-11-14T22:13:20Z"), Ok(1_700_000_000));
        assert_eq!(read("2024-02-29T00:00:00Z"), Ok(1_709_164_800));
        for text in [
            "",
            "+",
            "+5",
            "+m",
            "tomorrow",
            "2023-02-29T00:00:00Z",
            "2023-13-01T00:00:00Z",
            "2023-11-14T22:13:20",
            "2023-11-14T24:00:00Z",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(micro in 1_u64..1_000_000_000_000) {
            prop_assert_eq!(millionths(&show(micro)), Ok(micro));
        }

        #[test]
        fn no_text_panics(text in ".{0,30}") {
            let _ = time(&text, Timestamp::new(u64::MAX));
            let _ = millionths(&text);
        }
    }
}
