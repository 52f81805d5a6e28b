from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("console", "0007_tokens_of_knox")]
    operations = [migrations.RunSQL("DROP TABLE IF EXISTS knox_authtoken", migrations.RunSQL.noop, elidable=True)]
