package org.simplepush.examples.embedmain;

import java.nio.file.Path;
import org.simplepush.server.EndpointKeys;
import org.simplepush.server.PushServer;

/** A push server inside a program of yours. */
public final class EmbedMain {
  private EmbedMain() {}

  /** Runs until the process is told to stop. */
  public static void main(String[] args) throws Exception {
    PushServer server =
        PushServer.builder()
            .port(8080) // devices connect here
            .endpointPort(8081) // application servers PUT here
            .keys(EndpointKeys.load(Path.of("endpoint.keys"))) // made if missing; keep it secret
            .build()
            .start();
    Runtime.getRuntime().addShutdownHook(new Thread(server::close));
    System.out.println("Devices connect to " + server.webSocketUri());
  }
}
