"""The library in a few lines: catalogue, basket, order, ZIP, all in memory; needs no extra."""

import io
import zipfile

from regards_order import SelectionRequest, User
from regards_order.testing import MemoryCatalog, in_memory, make_dataset, make_file, make_product

images = make_dataset("Images")
scene = make_product("scene-7", make_file("scene-7.tif", b"pixels"), datasets=(images,), properties={"cloud_cover": 12})
ordering = in_memory(MemoryCatalog([images], [scene]), {"scene-7.tif": b"pixels"})
lise = User("lise@obs.example")

ordering.add_selection(lise, SelectionRequest.of("cloud_cover:[0 TO 20]"))
order = ordering.place_order(lise, label="Clear scenes")
ordering.work()  # lists the files, asks the storage, takes its answers
delivery = ordering.open_zip(lise, order.id)
archive = zipfile.ZipFile(io.BytesIO(b"".join(delivery)))
order = delivery.confirm()  # the last byte is handed over: only now are the files downloaded
print(f"{order.label}: {order.status.name}, {order.counts.downloaded} downloaded: {archive.namelist()}")
