"""What Schemathesis must know to send our bodies."""

import schemathesis

schemathesis.serializer.alias("application/x-ndjson", "text/plain")
