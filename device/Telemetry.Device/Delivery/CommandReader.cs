namespace Telemetry.Device.Delivery
{
    /// <summary>Walks the fields of a protobuf message (telemetry.v1.Command and its parts) without allocating. Stands on the stack: pass it by reference.</summary>
    internal struct CommandReader
    {
        private readonly byte[] _buffer;
        private int _at;
        private int _end;
        private int _outerAt;
        private int _outerEnd;

        /// <summary>A reader of <paramref name="count"/> bytes from <paramref name="at"/> on.</summary>
        public CommandReader(byte[] buffer, int at, int count)
        {
            _buffer = buffer;
            _at = at;
            _end = at + count;
            _outerAt = 0;
            _outerEnd = 0;
            Field = 0;
            Value = 0;
            Length = 0;
            IsMalformed = false;
        }

        /// <summary>Number of the field that <see cref="Next"/> read.</summary>
        public int Field { get; private set; }

        /// <summary>Its value: a varint or fixed number; for a string or message the index of its first byte.</summary>
        public long Value { get; private set; }

        /// <summary>Bytes of a string or message; -1 for a number.</summary>
        public int Length { get; private set; }

        /// <summary>True when the bytes read so far are not protobuf.</summary>
        public bool IsMalformed { get; private set; }

        /// <summary>Goes into the message that the field just read holds; its own fields come next. One level deep.</summary>
        public void Enter()
        {
            _outerAt = _at;
            _outerEnd = _end;
            _at = (int)Value;
            _end = _at + Length;
        }

        /// <summary>Goes on behind the message that was entered.</summary>
        public void Leave()
        {
            _at = _outerAt;
            _end = _outerEnd;
        }

        /// <summary>Reads one field.</summary>
        /// <returns>False at the end, or when the bytes are not protobuf.</returns>
        public bool Next()
        {
            if (_at >= _end) return false;
            long tag = ReadVarint();
            Field = (int)(tag >> 3) & 0x1FFFFFFF;
            Length = -1;
            switch ((int)tag & 7)
            {
                case 0:
                    Value = ReadVarint();
                    break;
                case 1:
                    Value = ReadFixed(8);
                    break;
                case 5:
                    Value = ReadFixed(4);
                    break;
                case 2:
                    long length = ReadVarint();
                    if (length < 0 || length > _end - _at)
                    {
                        IsMalformed = true;
                        return false;
                    }

                    Value = _at;
                    Length = (int)length;
                    _at += Length;
                    break;
                default:
                    IsMalformed = true;
                    break;
            }

            return !IsMalformed && Field != 0;
        }

        private long ReadVarint()
        {
            long value = 0;
            for (int shift = 0; shift < 70; shift += 7)
            {
                if (_at >= _end) break;
                byte b = _buffer[_at++];
                if (shift < 64) value |= (long)(b & 0x7F) << shift;
                if ((b & 0x80) == 0) return value;
            }

            IsMalformed = true;
            return 0;
        }

        private long ReadFixed(int bytes)
        {
            if (_end - _at < bytes)
            {
                IsMalformed = true;
                return 0;
            }

            long value = 0;
            for (int i = bytes - 1; i >= 0; i--) value = (value << 8) | _buffer[_at + i];
            _at += bytes;
            return value;
        }
    }
}
