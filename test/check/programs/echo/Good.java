// flawless: Java
import java.io.*;
import java.net.*;

public class Good {
  public static void main(String[] args) throws Exception {
    ServerSocket server = null;
    for (int port = 9090; server == null; port++) {
      try {
        server = new ServerSocket(port, 128);
      } catch (BindException e) {
        System.out.println("port " + port + " is taken");
      }
    }
    System.out.println("listening on port " + server.getLocalPort());
    while (true) {
      Socket socket = server.accept();
      System.out.println("connected " + socket.getPort());
      new Thread(() -> serve(socket)).start();
    }
  }

  static void serve(Socket socket) {
    try (socket) {
      byte[] buffer = new byte[1024];
      InputStream in = socket.getInputStream();
      OutputStream out = socket.getOutputStream();
      for (int n; (n = in.read(buffer)) > 0; ) {
        System.out.println("received " + n);
        if (new String(buffer, 0, n).trim().equalsIgnoreCase("exit")) break;
        out.write(buffer, 0, n);
      }
    } catch (IOException e) {
      System.out.println(e.getMessage());
    }
    System.out.println("left " + socket.getPort());
  }
}
