//! Tables for a terminal: columns as wide as what is in them, two spaces apart.

use std::fmt;

#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
    /// Columns whose texts end at the same place: those of numbers.
    right: Vec<usize>,
}

impl Table {
    pub fn new(heads: &[&str]) -> Table {
        let heads = heads.iter().map(|head| (*head).to_owned()).collect();
        Table { rows: vec![heads], right: Vec::new() }
    }

    /// Aligns columns to the right.
    pub fn right(mut self, columns: &[usize]) -> Table {
        self.right = columns.to_vec();
        self
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| plain(&cell)).collect());
    }
}

/// Without characters that would move the cursor or change the terminal: names are other people's.
fn plain(cell: &str) -> String {
    cell.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let width = widths[column];
                let gap = if column == 0 || widths[column - 1] == 0 { "" } else { "  " };
                match self.right.contains(&column) {
                    true => line.push_str(&format!("{gap}{cell:>width$}")),
                    false => line.push_str(&format!("{gap}{cell:<width$}")),
                }
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let mut table = Table::new(&["MODEL", "SPENT"]).right(&[1]);
        table.row(["gpt-4.1".to_owned(), "1.5".to_owned()]);
        table.row(["o3".to_owned(), "120.25".to_owned()]);
        assert_eq!(table.to_string(), "MODEL     SPENT\ngpt-4.1     1.5\no3       120.25\n");
    }

    #[test]
    fn a_name_does_not_reach_the_terminal() {
        let mut table = Table::new(&["NAME"]);
        table.row(["\u{1b}[2Jx".to_owned()]);
        assert_eq!(table.to_string(), "NAME\n\u{fffd}[2Jx\n");
    }
}
