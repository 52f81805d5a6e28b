from django.db import migrations, models

import vms.models.keeping


class Migration(migrations.Migration):
    dependencies = [
        ("vms", "0010_ignored_domains"),
    ]

    operations = [
        migrations.AlterField(
            model_name="vminstance",
            name="instance_offering",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=vms.models.keeping.forget_instance_offering,
                related_name="vms",
                to="vms.instanceoffering",
            ),
        ),
        migrations.AlterField(
            model_name="volume",
            name="disk_offering",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=vms.models.keeping.forget_disk_offering,
                related_name="volumes",
                to="vms.diskoffering",
            ),
        ),
    ]
