"""Tokens made by earlier versions go on working: their keys were hashed in the same way.

Their table goes with the next migration, since nobody could revoke what is in it, and no person could be deleted who
has a row there.
"""

from datetime import UTC

from django.db import migrations


def copy_old_tokens(apps, schema_editor):
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        if "knox_authtoken" not in connection.introspection.table_names(cursor):
            return
        cursor.execute("SELECT digest, user_id, created, expiry FROM knox_authtoken")
        rows = cursor.fetchall()
    for digest, user_id, created, expires in rows:
        apps.get_model("console", "ApiToken").objects.create(
            name="made before tokens had names",
            digest=digest,
            user_id=user_id,
            create_date=moment(created),
            expires=moment(expires),
        )


def moment(value):
    """SQLite keeps no zone; what it keeps is in UTC."""
    return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


class Migration(migrations.Migration):
    dependencies = [("console", "0006_api_token")]
    operations = [migrations.RunPython(copy_old_tokens, migrations.RunPython.noop, elidable=True)]
