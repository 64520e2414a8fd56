//! Dynamic statements: put together from parts, with their values.

use super::row::Value;
use crate::domain::Time;

/// The values of a statement whose text is being written.
#[derive(Default)]
pub struct Values<'a> {
    values: Vec<Value<'a>>,
}

impl<'a> Values<'a> {
    /// The placeholder of a value.
    pub fn bind(&mut self, value: Value<'a>) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    pub fn time(&mut self, time: Time) -> String {
        self.bind(Value::Int(time.micros()))
    }

    pub fn text(&mut self, text: &'a str) -> String {
        self.bind(Value::Text(text))
    }

    /// The placeholders of several, with commas between.
    pub fn texts(&mut self, texts: &'a [String]) -> String {
        let placeholders: Vec<String> = texts.iter().map(|text| self.text(text)).collect();
        placeholders.join(", ")
    }

    pub fn times(&mut self, times: impl Iterator<Item = Time>) -> String {
        let placeholders: Vec<String> = times.map(|time| self.time(time)).collect();
        placeholders.join(", ")
    }

    /// Values that are there already, as `$1` and following.
    pub fn of(values: impl Into<Vec<Value<'a>>>) -> Values<'a> {
        Values { values: values.into() }
    }

    pub fn as_slice(&self) -> &[Value<'a>] {
        &self.values
    }
}

/// A text that matches itself in a pattern with `ESCAPE '!'`.
pub fn as_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(character);
    }
    pattern
}

/// Which of several spans `column` lies in: `spans` are (where the next one begins, number), the
/// last one has no such bound. Halves them, so that many cost little.
pub fn span_of(column: &str, spans: &[(String, usize)], last: usize) -> String {
    fn halves(column: &str, spans: &[(String, usize)], last: usize) -> String {
        let middle = spans.len() / 2;
        let Some((bound, number)) = spans.get(middle) else { return last.to_string() };
        let before = halves(column, &spans[..middle], *number);
        let after = halves(column, &spans[middle + 1..], last);
        format!("CASE WHEN {column} < {bound} THEN {before} ELSE {after} END")
    }
    format!("CAST({} AS BIGINT)", halves(column, spans, last))
}

/// The numbers of the first columns, to group by.
pub fn group_by_first(count: usize) -> String {
    if count == 0 {
        return String::new();
    }
    let numbers: Vec<String> = (1..=count).map(|number| number.to_string()).collect();
    format!(" GROUP BY {}", numbers.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_halved() {
        let spans = |count: usize| -> Vec<(String, usize)> {
            (0..count).map(|number| (format!("${}", number + 1), number)).collect()
        };
        assert_eq!(span_of("day", &spans(0), 0), "CAST(0 AS BIGINT)");
        assert_eq!(
            span_of("day", &spans(2), 2),
            "CAST(CASE WHEN day < $2 THEN CASE WHEN day < $1 THEN 0 ELSE 1 END ELSE 2 END \
             AS BIGINT)"
        );
    }
}
