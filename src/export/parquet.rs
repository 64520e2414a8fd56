//! Parquet: columns in row groups of a bounded size, compressed with snappy.
//!
//! Rows are buffered by column until a row group is full; at most one group is in memory.

use std::sync::Arc;

use ::parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as PhysicalType};
use ::parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type,
};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use ::parquet::schema::types::{Type, TypePtr};

use super::buffer::Buffer;
use super::error::{Error, Result};
use super::sink::{Cell, Column, Kind, Sink};

/// Most rows of one group.
pub const ROW_GROUP_ROWS_MAX: usize = 32_768;
/// Most bytes of texts in one group; its last row may exceed it.
pub const ROW_GROUP_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Precision of decimals: the most digits that always fit into 64 bits.
pub const DECIMAL_DIGITS: u32 = 18;
/// Decimals are below this.
const DECIMAL_LIMIT: u64 = 10_u64.pow(DECIMAL_DIGITS);

const CREATED_BY: &str = concat!("tollgate ", env!("CARGO_PKG_VERSION"));

pub struct ParquetSink {
    writer: SerializedFileWriter<Buffer>,
    output: Buffer,
    columns: Vec<ColumnBuffer>,
    rows: usize,
    text_bytes: usize,
    /// Whether a decimal did not fit.
    too_large: bool,
}

/// The buffered cells of one column.
struct ColumnBuffer {
    values: Values,
    /// Definition levels of an optional column: 1 for each value, 0 for each absent cell.
    levels: Option<Vec<i16>>,
}

enum Values {
    /// The concatenation of all texts, and the end of each.
    Texts(Vec<u8>, Vec<usize>),
    Integers(Vec<i64>),
    Numbers(Vec<f64>),
    /// Days since the epoch.
    Days(Vec<i32>),
    Booleans(Vec<bool>),
}

impl ParquetSink {
    /// # Errors
    /// If two columns have the same name.
    pub fn new(columns: &[Column]) -> Result<ParquetSink> {
        let output = Buffer::default();
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(CREATED_BY.to_owned())
            .build();
        let schema = schema(columns).map_err(internal)?;
        let writer = SerializedFileWriter::new(output.clone(), schema, Arc::new(properties));
        Ok(ParquetSink {
            writer: writer.map_err(internal)?,
            output,
            columns: columns.iter().map(ColumnBuffer::new).collect(),
            rows: 0,
            text_bytes: 0,
            too_large: false,
        })
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        for buffer in &mut self.columns {
            let column = group.next_column()?;
            buffer.write(column.expect("the schema has as many columns"))?;
        }
        group.close()?;
        Ok(())
    }
}

impl Sink for ParquetSink {
    fn cell(&mut self, column: usize, cell: Cell<'_>) {
        match cell {
            Cell::Text(text) => self.text_bytes += text.len(),
            Cell::Decimal(scaled, _) => {
                self.too_large |= scaled.unsigned_abs() >= DECIMAL_LIMIT;
            }
            _ => {}
        }
        self.columns[column].add(cell);
    }

    fn end_row(&mut self) {
        self.rows += 1;
    }

    fn is_full(&self) -> bool {
        self.rows >= ROW_GROUP_ROWS_MAX || self.text_bytes >= ROW_GROUP_BYTES_MAX
    }

    /// Writes a row group.
    fn flush(&mut self) -> Result<()> {
        if self.too_large {
            return Err(Error::DecimalTooLarge);
        }
        if self.rows == 0 {
            return Ok(());
        }
        self.write_group().map_err(internal)?;
        (self.rows, self.text_bytes) = (0, 0);
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        self.flush()?;
        self.writer.finish().map_err(internal)?;
        Ok(())
    }

    fn output(&mut self) -> &Buffer {
        &self.output
    }
}

impl ColumnBuffer {
    fn new(column: &Column) -> ColumnBuffer {
        let values = match column.kind {
            Kind::Text => Values::Texts(Vec::new(), Vec::new()),
            Kind::Integer | Kind::Decimal(_) | Kind::Time | Kind::Second => {
                Values::Integers(Vec::new())
            }
            Kind::Number => Values::Numbers(Vec::new()),
            Kind::Date => Values::Days(Vec::new()),
            Kind::Boolean => Values::Booleans(Vec::new()),
        };
        ColumnBuffer { values, levels: column.optional.then(Vec::new) }
    }

    fn add(&mut self, cell: Cell<'_>) {
        if let Some(levels) = &mut self.levels {
            levels.push(i16::from(!matches!(cell, Cell::Absent)));
        }
        match (cell, &mut self.values) {
            (Cell::Absent, _) => {}
            (Cell::Text(text), Values::Texts(bytes, ends)) => {
                bytes.extend_from_slice(text.as_bytes());
                ends.push(bytes.len());
            }
            (Cell::Integer(value) | Cell::Decimal(value, _), Values::Integers(values)) => {
                values.push(value);
            }
            (Cell::Time(time) | Cell::Second(time), Values::Integers(values)) => {
                values.push(time.micros());
            }
            (Cell::Number(number), Values::Numbers(values)) => values.push(number),
            (Cell::Date(date), Values::Days(values)) => values.push(date.to_epoch_days()),
            (Cell::Boolean(flag), Values::Booleans(values)) => values.push(flag),
            (cell, _) => panic!("{cell:?} is not of the kind of its column"),
        }
    }

    /// Writes all cells and clears them.
    fn write(&mut self, mut column: SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        let levels = self.levels.as_deref();
        match &mut self.values {
            Values::Texts(bytes, ends) => {
                let all = ByteArray::from(std::mem::take(bytes));
                let mut start = 0;
                let mut texts = Vec::with_capacity(ends.len());
                for end in ends.drain(..) {
                    texts.push(all.slice(start, end - start));
                    start = end;
                }
                write::<ByteArrayType>(&mut column, &texts, levels)?;
            }
            Values::Integers(values) => {
                write::<Int64Type>(&mut column, values, levels)?;
                values.clear();
            }
            Values::Numbers(values) => {
                write::<DoubleType>(&mut column, values, levels)?;
                values.clear();
            }
            Values::Days(values) => {
                write::<Int32Type>(&mut column, values, levels)?;
                values.clear();
            }
            Values::Booleans(values) => {
                write::<BoolType>(&mut column, values, levels)?;
                values.clear();
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
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<(), ParquetError> {
    column.typed::<T>().write_batch(values, levels, None).map(drop)
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

/// A bug: writes to memory do not fail, and cells are of the kinds of the schema.
fn internal(cause: ParquetError) -> Error {
    Error::Internal(format!("a file of Parquet could not be written: {cause}"))
}
