"""A photo, read: encoded bytes in, upright RGB pixels out. The one reader of web and model. Imports nothing of ours.

header   what the first bytes say: jpeg, png, webp, and exif for how it stands
cost     what decoding will take, judged before it begins
turns    one large photo at a time
decode   pixels, for as long as somebody uses them
memory   what is kept between photos, and what is given back
"""
