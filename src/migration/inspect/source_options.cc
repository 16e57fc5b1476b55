#include "migration/inspect/inspect.h"

namespace mms::migration {

SqlAccessOptions SqlOptionsOf(const SourceOptions& source) {
  return {source.jdbc_url, source.workspace, source.cluster, source.warehouse, source.sign_in};
}

}  // namespace mms::migration
