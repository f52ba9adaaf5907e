// nanoFramework.System.Text 1.3.
namespace System.Text
{
    public abstract class Encoding
    {
        public static Encoding UTF8 { get { throw null; } }
        public abstract byte[] GetBytes(string s);
        public abstract string GetString(byte[] bytes, int index, int count);
    }
}
