// Which types an INSERT takes for a column without a CAST ("Data type conversions" in the
// MaxCompute reference, implicit conversions of the 2.0 edition): wider numbers, numbers and times
// as text, text as DOUBLE and DECIMAL. Never a narrower type, so nothing is lost unsaid. Pure.
#pragma once

#include "sandbox/column_type.h"

namespace mms::sandbox::sql {

bool CanAssign(const ColumnType& from, const ColumnType& to);

/// Whether CHANGE COLUMN may make a column of type `from` one of type `to`: every value stays what
/// it is, in older files too.
bool CanWiden(const ColumnType& from, const ColumnType& to);

}  // namespace mms::sandbox::sql
