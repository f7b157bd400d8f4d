package org.simplepush.examples.embedmain;

import org.simplepush.server.PushServer;

/** A push server inside a program of yours. */
public final class EmbedMain {
  private EmbedMain() {}

  /** Runs until the process is told to stop. The ports may be given: 8080 and 8081 if not. */
  public static void main(String[] args) throws Exception {
    int port = args.length > 0 ? Integer.parseInt(args[0]) : 8080;
    int endpointPort = args.length > 1 ? Integer.parseInt(args[1]) : 8081;
    PushServer server =
        PushServer.builder()
            .port(port) // devices connect here
            .endpointPort(endpointPort) // application servers PUT here
            .build()
            .start();
    Runtime.getRuntime().addShutdownHook(new Thread(server::close));
    System.out.println("Devices connect to " + server.webSocketUri());
  }
}
