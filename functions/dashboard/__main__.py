"""`python -m functions.dashboard`: the server as the container runs it; `settings` prints them."""

import sys

if __name__ == "__main__":
    if sys.argv[1:] == ["settings"]:
        import json

        from functions.dashboard.settings import settings_by_concern

        print(json.dumps(settings_by_concern()))
        sys.exit(0)

    from functions.dashboard.app import WEBSOCKET_OPTIONS, prepare
    from functions.web.server import serve

    sys.exit(serve(prepare, WEBSOCKET_OPTIONS))
