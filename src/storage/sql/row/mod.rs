//! Row mapping: the columns a type is stored in, how they are written and how they are read.
//!
//! [`row!`] declares all three of a struct at once, from the names of its fields. A field is a
//! [`Cell`] (one column) or again a type of several columns.

mod cell;
mod value;

use std::sync::Arc;

use super::connection::backend::Backend;
use super::connection::errors::not_applied;
use crate::domain::attribution::{Attribution, AttributionField};
use crate::storage::{Error, Result};

pub use cell::{Cell, Tags, decoded, from_json, optional, to_json};
pub use value::{Kind, Value, code, limit_value, time};

/// A column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: &'static str,
    pub kind: Kind,
}

/// A type that is read from the next columns of a row.
pub trait FromRow: Sized {
    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Self>;
}

/// A type that is stored in columns, always the same and in the same order.
pub trait Columns: FromRow {
    /// Appends the columns. A type of one column takes the name it is given.
    fn columns(name: &'static str, columns: &mut Vec<Column>);

    /// Appends a value for each column.
    fn write<'a>(&'a self, values: &mut Vec<Value<'a>>);
}

/// Takes the columns of a row from left to right. A NULL is absent.
pub trait Reader<'r> {
    fn int(&mut self) -> Result<Option<i64>>;
    fn flag(&mut self) -> Result<Option<bool>>;
    fn text(&mut self) -> Result<Option<&'r str>>;

    /// A text that is never NULL, without a copy of it.
    fn str(&mut self) -> Result<&'r str> {
        self.text()?.ok_or_else(null)
    }

    /// A text of which there will be many owners.
    fn shared(&mut self) -> Result<Option<Arc<str>>> {
        Ok(self.text()?.map(Arc::from))
    }

    /// The next columns as a type that is stored in them.
    fn get<T: FromRow>(&mut self) -> Result<T>
    where
        Self: Sized,
    {
        T::read(self)
    }
}

/// Reads a row of a database.
pub struct RowReader<'r, DB: Backend> {
    row: &'r DB::Row,
    next: usize,
}

impl<'r, DB: Backend> RowReader<'r, DB> {
    pub fn new(row: &'r DB::Row) -> RowReader<'r, DB> {
        RowReader { row, next: 0 }
    }

    fn advance(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }
}

impl<'r, DB: Backend> Reader<'r> for RowReader<'r, DB> {
    fn int(&mut self) -> Result<Option<i64>> {
        let column = self.advance();
        DB::int(self.row, column).map_err(not_applied)
    }

    fn flag(&mut self) -> Result<Option<bool>> {
        let column = self.advance();
        DB::flag(self.row, column).map_err(not_applied)
    }

    fn text(&mut self) -> Result<Option<&'r str>> {
        let column = self.advance();
        DB::text(self.row, column).map_err(not_applied)
    }
}

fn null() -> Error {
    Error::Corrupt("a column is NULL that must not be".to_owned())
}

/// All rows as a type.
pub fn read_all<DB: Backend, T: FromRow>(rows: &[DB::Row]) -> Result<Vec<T>> {
    rows.iter().map(|row| T::read(&mut RowReader::<DB>::new(row))).collect()
}

impl<T: Cell> FromRow for T {
    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<T> {
        <T as Cell>::read(reader)?.ok_or_else(null)
    }
}

impl<T: Cell> FromRow for Option<T> {
    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Option<T>> {
        <T as Cell>::read(reader)
    }
}

impl<T: Cell> Columns for T {
    fn columns(name: &'static str, columns: &mut Vec<Column>) {
        columns.push(Column { name, kind: T::KIND });
    }

    fn write<'a>(&'a self, values: &mut Vec<Value<'a>>) {
        values.push(self.value());
    }
}

impl<T: Cell> Columns for Option<T> {
    fn columns(name: &'static str, columns: &mut Vec<Column>) {
        columns.push(Column { name, kind: T::KIND });
    }

    fn write<'a>(&'a self, values: &mut Vec<Value<'a>>) {
        values.push(optional(self.as_ref()));
    }
}

/// Rows of statements that have no table of their own.
macro_rules! tuples {
    ($(($($type:ident),*))*) => {$(
        impl<$($type: FromRow),*> FromRow for ($($type,)*) {
            fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Self> {
                Ok(($(reader.get::<$type>()?,)*))
            }
        }
    )*};
}

tuples! { (A, B) (A, B, C) (A, B, C, D) (A, B, C, D, E) }

/// Declares how a struct is stored: its fields in the order of their columns. `field = "name"`
/// gives the column another name; `field as Codec` stores it in another form than its type does.
macro_rules! row {
    ($type:ty {
        $($field:ident $(= $name:literal)? $(as $codec:ident)?),* $(,)?
    }) => {
        impl $crate::storage::sql::row::FromRow for $type {
            fn read<'r>(
                reader: &mut impl $crate::storage::sql::row::Reader<'r>,
            ) -> $crate::storage::Result<Self> {
                Ok(Self { $($field: row!(@read reader $(, $codec)?)?),* })
            }
        }

        impl $crate::storage::sql::row::Columns for $type {
            fn columns(
                _name: &'static str,
                columns: &mut Vec<$crate::storage::sql::row::Column>,
            ) {
                $({
                    let name = [$($name,)? stringify!($field)][0];
                    row!(@columns $type, $field, name, columns $(, $codec)?);
                })*
            }

            fn write<'a>(
                &'a self,
                values: &mut Vec<$crate::storage::sql::row::Value<'a>>,
            ) {
                $(row!(@write self.$field, values $(, $codec)?);)*
            }
        }
    };
    (@read $reader:ident) => { $crate::storage::sql::row::FromRow::read($reader) };
    (@read $reader:ident, $codec:ident) => { $codec::read($reader) };
    (@columns $type:ty, $field:ident, $name:ident, $columns:ident) => {
        $crate::storage::sql::row::columns_of_field(|row: &$type| &row.$field, $name, $columns)
    };
    (@columns $type:ty, $field:ident, $name:ident, $columns:ident, $codec:ident) => {
        $columns.push($crate::storage::sql::row::Column { name: $name, kind: $codec::KIND })
    };
    (@write $value:expr, $values:ident) => {
        $crate::storage::sql::row::Columns::write(&$value, $values)
    };
    (@write $value:expr, $values:ident, $codec:ident) => { $values.push($codec::value(&$value)) };
}

pub(in crate::storage::sql) use row;

/// The columns of a type that is written and read by hand: `name: Kind` of each.
macro_rules! columns {
    ($($name:ident: $kind:ident),*) => {
        fn columns(
            _name: &'static str,
            columns: &mut Vec<$crate::storage::sql::row::Column>,
        ) {
            columns.extend([$($crate::storage::sql::row::Column {
                name: stringify!($name),
                kind: $crate::storage::sql::row::Kind::$kind,
            }),*]);
        }
    };
}

pub(in crate::storage::sql) use columns;

/// The columns of a field, whose type is known by how it is reached.
pub fn columns_of_field<T, F: Columns>(
    _field: impl Fn(&T) -> &F,
    name: &'static str,
    columns: &mut Vec<Column>,
) {
    F::columns(name, columns);
}

/// An absent id that is stored as the empty text, so that its column is never NULL.
pub struct OrEmpty;

impl OrEmpty {
    pub const KIND: Kind = Kind::Text;

    pub fn value(id: &Option<Arc<str>>) -> Value<'_> {
        id.as_ref().map_or(Value::Text(""), Value::Shared)
    }

    pub fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Option<Arc<str>>> {
        Ok(reader.text()?.filter(|id| !id.is_empty()).map(Arc::from))
    }
}

/// A column for each field, named as it is; tags behind them.
impl Columns for Attribution {
    fn columns(_name: &'static str, columns: &mut Vec<Column>) {
        for field in AttributionField::ALL {
            columns.push(Column { name: field.name(), kind: Kind::Text });
        }
        columns.push(Column { name: "tags", kind: Kind::Text });
    }

    fn write<'a>(&'a self, values: &mut Vec<Value<'a>>) {
        for field in AttributionField::ALL {
            values.push(Value::Text(self.get(field)));
        }
        values.push(Tags::of(&self.tags));
    }
}

impl FromRow for Attribution {
    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Attribution> {
        let mut attribution = Attribution::default();
        for field in AttributionField::ALL {
            *attribution.get_mut(field) = reader.get()?;
        }
        attribution.tags = reader.get::<Tags>()?.0;
        Ok(attribution)
    }
}
