//! Parquet: columns in row groups of a bounded size, compressed with snappy.
//!
//! Rows pile up, column by column, until a row group is full; no more than one group is in memory.

use std::sync::Arc;

use ::parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as PhysicalType};
use ::parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type,
};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use ::parquet::schema::types::{Type, TypePtr};
use chrono::NaiveDate;

use super::output::Output;
use super::table::{Column, Kind};
use super::{Error, Result};
use crate::domain::Time;

/// Most rows of one group.
pub const ROW_GROUP_ROWS_MAX: usize = 32_768;
/// Most bytes of texts in one group, one row aside.
pub const ROW_GROUP_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Digits of a decimal, with those behind the point: the most that 64 bits can always say.
pub const DECIMAL_DIGITS: u32 = 18;
/// Decimals are below this.
const DECIMAL_LIMIT: u64 = 10_u64.pow(DECIMAL_DIGITS);

const CREATED_BY: &str = concat!("tollgate ", env!("CARGO_PKG_VERSION"));

/// A file of Parquet that is being written.
pub struct ParquetFile {
    writer: SerializedFileWriter<Output>,
    output: Output,
    columns: Vec<Pile>,
    rows: usize,
    text_bytes: usize,
    /// A decimal that does not fit was put in.
    too_large: bool,
}

/// The cells of one column that are not in a row group yet.
struct Pile {
    cells: Cells,
    /// Of an optional column: 1 for each cell that is there, 0 for each that is absent.
    levels: Option<Vec<i16>>,
}

enum Cells {
    /// All texts behind one another, and where each ends.
    Texts(Vec<u8>, Vec<usize>),
    Integers(Vec<i64>),
    Numbers(Vec<f64>),
    Days(Vec<i32>),
    Booleans(Vec<bool>),
}

impl ParquetFile {
    /// # Errors
    /// If columns have the same name.
    pub fn new(columns: &[Column]) -> Result<ParquetFile> {
        let output = Output::default();
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(CREATED_BY.to_owned())
            .build();
        let schema = schema(columns).map_err(defect)?;
        let writer = SerializedFileWriter::new(output.clone(), schema, Arc::new(properties));
        Ok(ParquetFile {
            writer: writer.map_err(defect)?,
            output,
            columns: columns.iter().map(Pile::new).collect(),
            rows: 0,
            text_bytes: 0,
            too_large: false,
        })
    }

    pub fn absent(&mut self, column: usize) {
        if let Some(levels) = &mut self.columns[column].levels {
            levels.push(0);
        }
    }

    pub fn text(&mut self, column: usize, text: &str) {
        self.text_bytes += text.len();
        if let Cells::Texts(bytes, ends) = self.columns[column].add() {
            bytes.extend_from_slice(text.as_bytes());
            ends.push(bytes.len());
        }
    }

    pub fn integer(&mut self, column: usize, integer: i64) {
        if let Cells::Integers(cells) = self.columns[column].add() {
            cells.push(integer);
        }
    }

    pub fn decimal(&mut self, column: usize, scaled: i64, _: u32) {
        self.too_large |= scaled.unsigned_abs() >= DECIMAL_LIMIT;
        self.integer(column, scaled);
    }

    pub fn number(&mut self, column: usize, number: f64) {
        if let Cells::Numbers(cells) = self.columns[column].add() {
            cells.push(number);
        }
    }

    pub fn time(&mut self, column: usize, time: Time, _: Kind) {
        self.integer(column, time.micros());
    }

    pub fn date(&mut self, column: usize, date: NaiveDate) {
        if let Cells::Days(cells) = self.columns[column].add() {
            cells.push(date.to_epoch_days());
        }
    }

    pub fn boolean(&mut self, column: usize, flag: bool) {
        if let Cells::Booleans(cells) = self.columns[column].add() {
            cells.push(flag);
        }
    }

    pub fn end_row(&mut self) {
        self.rows += 1;
    }

    /// Whether a row group is full.
    pub fn is_full(&self) -> bool {
        self.rows >= ROW_GROUP_ROWS_MAX || self.text_bytes >= ROW_GROUP_BYTES_MAX
    }

    /// Writes what has piled up as a row group.
    ///
    /// # Errors
    /// If a decimal does not fit.
    pub fn settle(&mut self) -> Result<()> {
        if self.too_large {
            return Err(Error::DecimalTooLarge);
        }
        if self.rows == 0 {
            return Ok(());
        }
        self.write_group().map_err(defect)?;
        (self.rows, self.text_bytes) = (0, 0);
        Ok(())
    }

    /// # Errors
    /// As [`ParquetFile::settle`].
    pub fn finish(&mut self) -> Result<()> {
        self.settle()?;
        self.writer.finish().map_err(defect)?;
        Ok(())
    }

    pub fn output(&mut self) -> &Output {
        &self.output
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        for pile in &mut self.columns {
            let column = group.next_column()?;
            let column = column.expect("the schema has as many columns");
            pile.write(column)?;
        }
        group.close()?;
        Ok(())
    }
}

impl Pile {
    fn new(column: &Column) -> Pile {
        let cells = match column.kind {
            Kind::Text => Cells::Texts(Vec::new(), Vec::new()),
            Kind::Integer | Kind::Decimal(_) | Kind::Time | Kind::Second => {
                Cells::Integers(Vec::new())
            }
            Kind::Number => Cells::Numbers(Vec::new()),
            Kind::Date => Cells::Days(Vec::new()),
            Kind::Boolean => Cells::Booleans(Vec::new()),
        };
        Pile { cells, levels: column.optional.then(Vec::new) }
    }

    /// Where the next cell, which is there, is put.
    fn add(&mut self) -> &mut Cells {
        if let Some(levels) = &mut self.levels {
            levels.push(1);
        }
        &mut self.cells
    }

    /// Writes all cells and forgets them.
    fn write(&mut self, mut column: SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        let levels = self.levels.as_deref();
        match &mut self.cells {
            Cells::Texts(bytes, ends) => {
                let all = ByteArray::from(std::mem::take(bytes));
                let mut start = 0;
                let mut texts = Vec::with_capacity(ends.len());
                for end in ends.drain(..) {
                    texts.push(all.slice(start, end - start));
                    start = end;
                }
                write::<ByteArrayType>(&mut column, &texts, levels)?;
            }
            Cells::Integers(cells) => {
                write::<Int64Type>(&mut column, cells, levels)?;
                cells.clear();
            }
            Cells::Numbers(cells) => {
                write::<DoubleType>(&mut column, cells, levels)?;
                cells.clear();
            }
            Cells::Days(cells) => {
                write::<Int32Type>(&mut column, cells, levels)?;
                cells.clear();
            }
            Cells::Booleans(cells) => {
                write::<BoolType>(&mut column, cells, levels)?;
                cells.clear();
            }
        }
        if let Some(levels) = &mut self.levels {
            levels.clear();
        }
        column.close()
    }
}

fn write<T: DataType>(
    column: &mut SerializedColumnWriter<'_>,
    cells: &[T::T],
    levels: Option<&[i16]>,
) -> Result<(), ParquetError> {
    column.typed::<T>().write_batch(cells, levels, None).map(drop)
}

fn schema(columns: &[Column]) -> Result<TypePtr, ParquetError> {
    let mut fields = Vec::with_capacity(columns.len());
    for column in columns {
        let (physical, logical) = match column.kind {
            Kind::Text => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Integer => (PhysicalType::INT64, Some(LogicalType::integer(64, true))),
            Kind::Decimal(scale) => (
                PhysicalType::INT64,
                Some(LogicalType::decimal(signed(scale), signed(DECIMAL_DIGITS))),
            ),
            Kind::Number => (PhysicalType::DOUBLE, None),
            Kind::Time | Kind::Second => {
                (PhysicalType::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS)))
            }
            Kind::Date => (PhysicalType::INT32, Some(LogicalType::Date)),
            Kind::Boolean => (PhysicalType::BOOLEAN, None),
        };
        let repetition = if column.optional { Repetition::OPTIONAL } else { Repetition::REQUIRED };
        let mut field = Type::primitive_type_builder(&column.name, physical)
            .with_repetition(repetition)
            .with_logical_type(logical);
        if let Kind::Decimal(scale) = column.kind {
            field = field.with_scale(signed(scale)).with_precision(signed(DECIMAL_DIGITS));
        }
        fields.push(Arc::new(field.build()?));
    }
    Ok(Arc::new(Type::group_type_builder("rows").with_fields(fields).build()?))
}

fn signed(digits: u32) -> i32 {
    i32::try_from(digits).expect("a few digits")
}

/// The writer is in memory and fed with what its schema says.
fn defect(cause: ParquetError) -> Error {
    Error::Internal(format!("a file of Parquet could not be written: {cause}"))
}
