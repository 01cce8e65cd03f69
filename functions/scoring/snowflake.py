"""`python -m functions.scoring.snowflake`: print the SQL that sets Snowflake's functions up.

The one argument is the address of the gateway in front of the service. Snowflake calls no other
address than one that an API integration allows.
"""

import sys
from collections.abc import Mapping

from functions.scoring.contracts.warehouse_rows import arguments
from functions.scoring.settings import read_settings
from models.contract import CreditModel

ADDRESS = "https://GATEWAY.ew.gateway.dev"
TYPES = {"INT64": "NUMBER", "FLOAT64": "FLOAT", "STRING": "VARCHAR", "DATE": "DATE"}
INTEGRATION = """\
-- Written by `python -m functions.scoring.snowflake`: run it as a role that may make integrations.
-- GATEWAY_AUDIENCE is the name of the gateway's managed service. Give the account that
-- DESCRIBE INTEGRATION surety shows as API_GCP_SERVICE_ACCOUNT to the gateway's configuration.
CREATE OR REPLACE API INTEGRATION surety
  API_PROVIDER = GOOGLE_API_GATEWAY
  GOOGLE_AUDIENCE = 'GATEWAY_AUDIENCE'
  API_ALLOWED_PREFIXES = ('{address}/snowflake/')
  ENABLED = TRUE;
"""
FUNCTION = """
CREATE OR REPLACE SECURE EXTERNAL FUNCTION {name}(
{arguments}
)
  RETURNS VARIANT
  CALLED ON NULL INPUT
  VOLATILE
  API_INTEGRATION = surety
  HEADERS = ('errors' = 'by_row')
  MAX_BATCH_ROWS = 1000
  COMPRESSION = NONE
  AS '{address}/snowflake/{name}';
"""


def write_script(catalogue: Mapping[str, type[CreditModel]], address: str) -> str:
    """Write the statements: one integration, one function for each model."""
    functions = [
        FUNCTION.format(
            name=name,
            address=address,
            arguments=",\n".join(
                f"  {field} {TYPES[kind]}" for field, kind in arguments(model).items()
            ),
        )
        for name, model in catalogue.items()
    ]
    return "".join([INTEGRATION.format(address=address), *functions])


if __name__ == "__main__":
    address = (sys.argv[1:] or [ADDRESS])[0].rstrip("/")
    print(write_script(read_settings().catalogue, address), end="")
