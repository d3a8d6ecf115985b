"""The Functions app: registers what ``shared.triggers`` declares. Nothing is read or opened at import."""

import azure.functions as func

from shared.triggers import blueprints

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
for blueprint in blueprints():
    app.register_functions(blueprint)
