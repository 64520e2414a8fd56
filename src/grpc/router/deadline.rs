//! The deadline that a caller gives its call (`grpc-timeout`).

use std::time::Duration;

use http::{HeaderMap, HeaderName};

const HEADER: HeaderName = HeaderName::from_static("grpc-timeout");
/// Of the number.
const DIGITS_MAX: usize = 8;

/// How long a call may take; none where the caller does not say, or not as gRPC does.
pub fn of(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(HEADER)?.as_bytes();
    let (unit, digits) = value.split_last()?;
    let is_number =
        (1..=DIGITS_MAX).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    let number: u64 = std::str::from_utf8(digits).ok().filter(|_| is_number)?.parse().ok()?;
    match unit {
        b'H' => Some(Duration::from_hours(number)),
        b'M' => Some(Duration::from_mins(number)),
        b'S' => Some(Duration::from_secs(number)),
        b'm' => Some(Duration::from_millis(number)),
        b'u' => Some(Duration::from_micros(number)),
        b'n' => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_deadline_is_a_number_and_a_unit() {
        let read = |text: &str| {
            let value = HeaderValue::from_str(text).unwrap();
            of(&HeaderMap::from_iter([(HEADER, value)]))
        };
        assert_eq!(of(&HeaderMap::new()), None);
        assert_eq!(read("3H"), Some(Duration::from_secs(10_800)));
        assert_eq!(read("2M"), Some(Duration::from_secs(120)));
        assert_eq!(read("99999999S"), Some(Duration::from_secs(99_999_999)));
        assert_eq!(read("82m"), Some(Duration::from_millis(82)));
        assert_eq!(read("1u"), Some(Duration::from_micros(1)));
        assert_eq!(read("0n"), Some(Duration::ZERO));
        for text in ["", "S", "1", "1s", "+1S", "-1S", "100000000S", "1.5S", " 1S"] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
