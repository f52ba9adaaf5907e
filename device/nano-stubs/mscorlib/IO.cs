// nanoFramework.CoreLibrary 1.17.
namespace System.IO
{
    public class IOException : SystemException
    {
        public IOException(string message) { }
    }
}
